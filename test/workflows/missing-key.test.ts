import { fileURLToPath } from 'node:url';
import { Client, type Connection } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { standstillOf } from '../../cli/standstill.ts';
import {
  dataConverterOf,
  failureConverterPath,
  listingConverter,
  payloadCodec,
  payloadKeys,
} from '../../payloads/index.ts';
import { startServer } from './interpreter.ts';
import type { echo } from './size-workflows.ts';

/** A worker that was forgotten when a key was added: it lacks the key by which others encrypt by now. */
const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const [k1, k2] = [`k1:${key(1)}`, `k2:${key(2)}`];
const keysOf = (text: string) => payloadKeys({ CONTRAIL_PAYLOAD_KEYS: text });
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
      ...{ activities: { give: async (text: string) => text }, dataConverter: dataConverterOf(keysOf(keys)) },
    });
    const ended = worker.run();
    return async () => {
      worker.shutdown();
      await ended;
    };
  };
}, 180_000);
afterAll(() => environment.teardown(), 60_000);

it('makes a run stand still, which says why, until the worker has the key', async () => {
  const both = `${k2},${k1}`;
  const connection = environment.connection as Connection;
  const client = new Client({ connection, dataConverter: dataConverterOf(keysOf(both)) });
  const server = {
    client,
    lister: client,
    codec: payloadCodec(keysOf(both)),
    connection,
    namespace: 'default',
    address: '',
  };
  const stop = await startWorker(k1);
  const options = { taskQueue: 'sizes', workflowId: 'waits', args: ['hello'] as [string] };
  const handle = await client.workflow.start<typeof echo>('echo', options);
  let said: string | null = null;
  while (said === null) {
    said = await standstillOf(
      { ...server, pageOf: () => null, close: async () => {} },
      'waits',
      await handle.describe(),
    );
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

it('is listed all the same by who has none of its keys', async () => {
  const lister = new Client({ connection: environment.connection, dataConverter: listingConverter });
  const found: string[] = [];
  while (found.length === 0) for await (const { workflowId } of lister.workflow.list()) found.push(workflowId);
  expect(found).toEqual(['waits']);
});
