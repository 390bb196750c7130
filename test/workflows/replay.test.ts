import { readdirSync, readFileSync } from 'node:fs';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { workflowCode } from './bundle.ts';

/**
 * Histories that earlier versions of the workflows wrote must still replay, or runs under way would break at an upgrade.
 */
const folder = new URL('../histories/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));

interface Stored {
  readonly workflowId: string;
  readonly history: {
    readonly events: readonly {
      readonly workflowExecutionStartedEventAttributes?: { readonly originalExecutionRunId: string };
    }[];
  };
}

const read = (name: string, change = (text: string) => text) =>
  JSON.parse(change(readFileSync(new URL(name, folder), 'utf8'))) as Stored;
const executionOf = ({ history }: Stored) =>
  history.events[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId;

let workflowBundle: { readonly code: string };
/** By execution: what was wrong, or nothing. */
const outcomes = new Map<string | undefined, Error | undefined>();
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  workflowBundle = { code: await workflowCode() };
  // One worker for all: loading the workflows takes longer than replaying a history.
  const replays = Worker.runReplayHistories(
    { workflowBundle },
    names.map((name) => read(name)),
  );
  for await (const { runId, error } of replays) outcomes.set(runId, error);
});

describe('stored histories', () => {
  it('are there', () => expect(names.length).toBeGreaterThanOrEqual(5));

  for (const name of names)
    it(`${name} replays`, () => {
      const execution = executionOf(read(name));
      expect(outcomes.has(execution)).toBe(true);
      expect(outcomes.get(execution)).toBeUndefined();
    });

  it('fail to replay when the workflow does something else', async () => {
    const { workflowId, history } = read('pipeline-complete.json', (text) =>
      text.replaceAll('"prepare-data"', '"prepareSomething"'),
    );
    await expect(Worker.runReplayHistory({ workflowBundle }, history, workflowId)).rejects.toThrow(/nondeterminism/i);
  });
});
