import { fileURLToPath } from 'node:url';
import { Client, type Connection } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askRun } from '../../cli/ask-run.ts';
import { standstillOf } from '../../cli/standstill.ts';
import {
  dataConverterOf,
  failureConverterPath,
  listingConverter,
  payloadCodec,
  payloadKeys,
} from '../../payloads/index.ts';
import { startServer } from './interpreter.ts';
import type { echo, failing } from './size-workflows.ts';

/** A worker that was forgotten when a key was added: it lacks the key by which others encrypt by now. */
const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const [k1, k2] = [`k1:${key(1)}`, `k2:${key(2)}`];
const keysOf = (text: string) => payloadKeys({ CONTRAIL_PAYLOAD_KEYS: text });
const fail = async () => {
  throw new Error('tried again in ten minutes');
};
let environment: TestWorkflowEnvironment;
let startWorker: (keys: string) => Promise<() => Promise<void>>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => {}) });
  environment = await startServer([]);
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./size-workflows.ts', import.meta.url)),
    failureConverterPath,
    logger: new DefaultLogger('ERROR'),
  });
  startWorker = async (keys) => {
    const worker = await Worker.create({
      ...{ connection: environment.nativeConnection, taskQueue: 'sizes', workflowBundle },
      ...{ activities: { give: async (text: string) => text, fail }, dataConverter: dataConverterOf(keysOf(keys)) },
    });
    const ended = worker.run();
    return async () => {
      worker.shutdown();
      await ended;
    };
  };
}, 180_000);
afterAll(() => environment.teardown(), 60_000);

const both = `${k2},${k1}`;
function serverWith(keys: string) {
  const connection = environment.connection as Connection;
  const client = new Client({ connection, dataConverter: dataConverterOf(keysOf(keys)) });
  return {
    ...{ client, lister: client, codec: payloadCodec(keysOf(keys)), connection, namespace: 'default', address: '' },
    ...{ pageOf: () => null, close: async () => {} },
  };
}

it('makes a run stand still, which says why, until the worker has the key', async () => {
  const server = serverWith(both);
  const { client } = server;
  const stop = await startWorker(k1);
  const options = { taskQueue: 'sizes', workflowId: 'waits', args: ['hello'] as [string] };
  const handle = await client.workflow.start<typeof echo>('echo', options);
  let said: string | null = null;
  while (said === null) {
    said = await standstillOf(server, 'waits', await handle.describe());
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(said).toContain(
    'What Temporal holds of the workflow waits in the namespace default is encrypted with the key k2, and CONTRAIL_PAYLOAD_KEYS has k1.',
  );
  await stop();
  const stopBoth = await startWorker(both);
  expect(await handle.result()).toBe('hello');
  await stopBoth();
});

it('is named where a run goes on, and its worker lost the key by which it began', async () => {
  const stop = await startWorker(k1);
  const options = { taskQueue: 'sizes', workflowId: 'goes-on', args: ['', false] as [string, boolean] };
  const handle = await serverWith(k1).client.workflow.start<typeof failing>('failing', options);
  while (!(await handle.describe()).raw.pendingActivities?.[0]?.lastFailure)
    await new Promise((resolve) => setTimeout(resolve, 100));
  await stop();
  const stopOther = await startWorker(k2);
  const server = serverWith(both);
  const found = await askRun(server, 'goes-on');
  await handle.terminate();
  await stopOther();
  expect(found).toEqual({
    kind: 'silent',
    why: 'goes-on does not say how it is: What Temporal holds of the workflow goes-on in the namespace default is encrypted with the key k1, and CONTRAIL_PAYLOAD_KEYS has k2. Add that key behind the first.',
  });
});

it('is none where a schedule was given something before what it starts had an id', async () => {
  const { client } = serverWith(k1);
  const stop = await startWorker(k1);
  const schedule = await client.schedule.create({
    scheduleId: 'weekly',
    spec: {},
    memo: { pipeline: 'shirts' },
    action: { type: 'startWorkflow', workflowType: 'echo', workflowId: 'weekly', taskQueue: 'sizes', args: ['hello'] },
  });
  await schedule.trigger();
  let started: string | undefined;
  while (started === undefined) {
    const { info, memo, action } = await schedule.describe();
    expect([memo, action.args]).toEqual([{ pipeline: 'shirts' }, ['hello']]);
    started = info.recentActions[0]?.action.workflow.workflowId;
  }
  expect(started).toMatch(/^weekly-.*Z$/);
  expect(await client.workflow.getHandle(started).result()).toBe('hello');
  await schedule.delete();
  await stop();
});

it('is listed all the same by who has none of its keys', async () => {
  const lister = new Client({ connection: environment.connection, dataConverter: listingConverter });
  const found: string[] = [];
  while (!found.includes('waits')) for await (const { workflowId } of lister.workflow.list()) found.push(workflowId);
  expect(found).toContain('waits');
});
