import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * Histories that earlier versions of the workflows wrote must still replay, or runs under way would break at an upgrade.
 */
const folder = new URL('../histories/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
let workflowBundle: Awaited<ReturnType<typeof bundleWorkflowCode>>;

const read = (name: string, change = (text: string) => text) =>
  JSON.parse(change(readFileSync(new URL(name, folder), 'utf8'))) as { workflowId: string; history: unknown };

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
});

describe('stored histories', () => {
  it('are there', () => expect(names.length).toBeGreaterThanOrEqual(5));

  for (const name of names)
    it(`${name} replays`, async () => {
      const { workflowId, history } = read(name);
      await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
    });

  it('fail to replay when the workflow does something else', async () => {
    const { workflowId, history } = read('pipeline-complete.json', (text) =>
      text.replaceAll('"prepareData"', '"prepareSomething"'),
    );
    await expect(Worker.runReplayHistory({ workflowBundle }, history, workflowId)).rejects.toThrow(/nondeterminism/i);
  });
});
