import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodedActivity } from '../../cli/decoded-activity.ts';
import { troubleOf } from '../../cli/pending.ts';
import { limits } from '../../contracts/limits.ts';
import { dataConverterOf, failureConverterPath, payloadCodec, payloadKeys } from '../../payloads/index.ts';
import { startServer } from './interpreter.ts';
import type { echo, failing } from './size-workflows.ts';

/** What is encrypted is larger than what it was: the largest that Contrail sends, on the real server with Temporal's own limits. */
const keys = payloadKeys({
  CONTRAIL_PAYLOAD_KEYS: `a-long-name-of-a-key.2026-11:${Buffer.alloc(32, 1).toString('base64')}`,
});
const dataConverter = dataConverterOf(keys);
const longId = (id: string) => `${id}-${'r'.repeat(120)}`;
let environment: TestWorkflowEnvironment;
let client: Client;
let stop: () => Promise<void>;

/** As Contrail's own activities fail. */
async function fail(message: string, nonRetryable: boolean): Promise<never> {
  const cause = new Error(message.slice(0, 200));
  cause.stack = `Error: ${cause.message}\n${'    at somewhere (file.ts:1:1)\n'.repeat(70)}`;
  throw ApplicationFailure.create({ message, type: 'DiskFull', nonRetryable, details: [{ attempt: 1 }], cause });
}

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  environment = await startServer([]);
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./size-workflows.ts', import.meta.url)),
    failureConverterPath,
    logger: new DefaultLogger('ERROR'),
  });
  const activities = { fail, give: async (text: string) => text };
  const worker = await Worker.create({
    ...{ connection: environment.nativeConnection, taskQueue: 'sizes' },
    ...{ workflowBundle, activities, dataConverter },
  });
  const ended = worker.run();
  stop = async () => {
    worker.shutdown();
    await ended;
  };
  client = new Client({ connection: environment.connection, dataConverter });
}, 180_000);
afterAll(async () => {
  await stop();
  await environment.teardown();
}, 60_000);

it.each(['planBytes', 'sentBytes', 'resultBytes', 'stateBytes'] as const)(
  'what is as large as %s allows passes as an argument, as a result of an activity and of a workflow',
  async (limit) => {
    const text = 'x'.repeat(limits[limit] - 2);
    const options = { taskQueue: 'sizes', workflowId: longId(limit), args: [text] as [string] };
    expect((await client.workflow.execute<typeof echo>('echo', options)) === text).toBe(true);
  },
);

describe('a failure', () => {
  it.each([
    ['short', 'No space is left.'],
    ['as long as they are', 'No space is left. '.repeat(222)],
    ['of many lines', 'No space\n"is" left.\n'.repeat(200)],
    ['in another script', '空き容量がありません。'.repeat(360)],
  ])('that is tried again can be read while it waits: %s', async (_, message) => {
    const workflowId = longId(`waits-${message.length}`);
    const options = { taskQueue: 'sizes', workflowId, args: [message, false] as [string, boolean] };
    const handle = await client.workflow.start<typeof failing>('failing', options);
    const pending = async () => (await handle.describe()).raw.pendingActivities?.[0];
    let activity = await pending();
    while (!activity?.lastFailure) activity = await pending();
    const server = { codec: payloadCodec(keys), namespace: 'default' };
    const trouble = troubleOf(await decodedActivity(server, workflowId, activity), Date.now());
    await handle.terminate();
    const said = trouble?.error.message ?? '';
    expect(trouble?.error.type).toBe('DiskFull');
    expect(said === message || (said.length > 300 && message.startsWith(said.replace(/…$/, '')))).toBe(true);
  });

  it('that is not tried again keeps all of its words', async () => {
    const message = 'No space is left. '.repeat(222);
    const options = { taskQueue: 'sizes', workflowId: longId('ends'), args: [message, true] as [string, boolean] };
    const error = await client.workflow.execute<typeof failing>('failing', options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ cause: { cause: { message, type: 'DiskFull' } } });
  });
});
