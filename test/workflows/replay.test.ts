import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * Histories that earlier versions of the workflows wrote must still replay, or runs under way would break at an upgrade.
 */
const folder = new URL('../histories/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
let workflowBundle: Awaited<ReturnType<typeof bundleWorkflowCode>>;

beforeAll(async () => {
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
});

describe('stored histories', () => {
  it('are there', () => expect(names.length).toBeGreaterThanOrEqual(5));

  for (const name of names)
    it(`${name} replays`, async () => {
      const history = historyFromJSON(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
      await Worker.runReplayHistory({ workflowBundle }, history);
    });

  it('fail to replay when the workflow does something else', async () => {
    const text = readFileSync(new URL('pipeline-complete.json', folder), 'utf8');
    const history = historyFromJSON(JSON.parse(text.replaceAll('"prepareData"', '"prepareSomething"')));
    await expect(Worker.runReplayHistory({ workflowBundle }, history)).rejects.toThrow();
  });
});
