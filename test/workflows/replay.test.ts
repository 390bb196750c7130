import { readdirSync, readFileSync } from 'node:fs';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataConverterOf, payloadKeys } from '../../payloads/index.ts';
import { historyKeys } from '../payloads/test-keys.ts';
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

const read = (name: string, change = (text: string) => text, within = folder) =>
  JSON.parse(change(readFileSync(new URL(name, within), 'utf8'))) as Stored;
const executionOf = ({ history }: Stored) =>
  history.events[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId;

const encrypted = new URL('encrypted/', folder);
const encryptedNames = readdirSync(encrypted);

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

  it('replay with the code of a worker that traces', async () => {
    const traced = { code: await workflowCode(false, true) };
    expect(traced.code).not.toBe(workflowBundle.code);
    const sinks = { traces: { ended: { fn: () => {} } } };
    const replays = Worker.runReplayHistories(
      { workflowBundle: traced, sinks },
      names.map((name) => read(name)),
    );
    const failures: unknown[] = [];
    for await (const { error } of replays) if (error) failures.push(error);
    expect(failures).toEqual([]);
  });

  it('fail to replay when the workflow does something else', async () => {
    const { workflowId, history } = read('pipeline-complete.json', (text) =>
      text.replaceAll('"prepare-data"', '"prepareSomething"'),
    );
    await expect(Worker.runReplayHistory({ workflowBundle }, history, workflowId)).rejects.toThrow(/nondeterminism/i);
  });
});

describe('stored histories of a namespace with keys', () => {
  const replay = async (name: string, keys: string | null) => {
    const { workflowId, history } = read(name, (text) => text, encrypted);
    const code = await workflowCode(keys !== null);
    const dataConverter = dataConverterOf(payloadKeys(keys === null ? {} : { CONTRAIL_PAYLOAD_KEYS: keys }));
    return Worker.runReplayHistory({ workflowBundle: { code }, dataConverter }, history, workflowId);
  };

  it('are there', () => expect(encryptedNames.length).toBeGreaterThanOrEqual(2));

  for (const name of encryptedNames) {
    it(`${name} replays with its key`, () => replay(name, historyKeys));

    it(`${name} does not without`, () => expect(replay(name, null)).rejects.toThrow());
  }

  it('begun before there were keys do not replay with keys', async () => {
    const { workflowId, history } = read('pipeline-complete.json');
    const dataConverter = dataConverterOf(payloadKeys({ CONTRAIL_PAYLOAD_KEYS: historyKeys }));
    await expect(Worker.runReplayHistory({ workflowBundle, dataConverter }, history, workflowId)).rejects.toThrow();
  });
});
