import { expect, it } from 'vitest';
import { driftOf } from '../../cli/drift.ts';
import { loadStoredRun, storedSteps } from '../../cli/stored-run.ts';
import { toleratedLines } from '../../cli/trouble.ts';
import { canonicalJson } from '../../contracts/json.ts';
import type { StepState } from '../../contracts/status.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openRunLog, savePlan, saveStepResult } from '../../store/index.ts';
import { memoryStore } from '../memory-store.ts';

/** What the store alone says of a run whose steps a list made. */
const planWith = (word: string) =>
  parsePipeline({
    file: 'test.yaml',
    text: `
name: shards
steps:
  split: { uses: run, with: { command: [split], result: { shards: list } } }
  measure:
    uses: run
    matrix: { shard: "\${steps.split.result.shards}" }
    tolerate: 1
    with: { command: [${word}, "\${matrix.shard}"], result: { size: number } }
  sum: { uses: run, with: { command: [sum], env: { SIZES: "\${steps.measure.result.size}" } } }
`,
  });
const run = 'shards-1';

async function storeWith(results: Readonly<Record<string, { readonly [key: string]: string[] | number }>>) {
  const store = memoryStore();
  await savePlan(store, run, planWith('measure'));
  for (const [step, result] of Object.entries(results))
    await saveStepResult(
      store,
      { run, step },
      { fingerprint: canonicalJson({}), result, seconds: 1, finishedAt: '2026-11-24T09:00:00.000Z' },
    );
  return store;
}
const split = { shards: ['b', 'a'] };

it('has one step for the items while the list is not there', async () => {
  const store = await storeWith({});
  expect((await storedSteps(store, run, planWith('measure'), { hasEnded: false })).map(({ id }) => id)).toEqual([
    'split',
    'measure',
    'sum',
  ]);
});

it('has a step for each item, and one whose loss is tolerated leaves the run complete', async () => {
  const store = await storeWith({ split, 'measure@shard=a': { size: 1 }, sum: { all: 1 } });
  await openRunLog(store, run, 'worker').append([
    {
      time: '2026-11-24T09:00:00.000Z',
      level: 'error',
      run,
      step: 'measure@shard=b',
      source: 'worker',
      message: 'ProgramRefused: it is broken',
    },
  ]);
  const steps = await storedSteps(store, run, planWith('measure'), { hasEnded: true });
  expect(steps.map(({ id, state, tolerated }) => [id, state, tolerated ?? false])).toEqual([
    ['split', 'done', false],
    ['measure@shard=b', 'failed', true],
    ['measure@shard=a', 'done', false],
    ['sum', 'done', false],
  ]);
  expect(await loadStoredRun(store, run)).toMatchObject({ done: 3, steps: 4, complete: true });
});

it('is not complete where more is lost than is tolerated', async () => {
  const store = await storeWith({ split, sum: { all: 1 } });
  expect(await loadStoredRun(store, run)).toMatchObject({ done: 2, steps: 4, complete: false });
});

it('shows a resume what changed under the items that are done', async () => {
  const store = await storeWith({ split, 'measure@shard=a': { size: 1 } });
  const drift = await driftOf(store, run, { before: planWith('measure'), now: planWith('weigh') }, {});
  expect(drift).toMatchObject([
    { what: expect.stringMatching(/^measure@shard=a\.command/), effect: 'again: measure@shard=a, sum' },
  ]);
});

it('calls nothing lost that was only not done, as after a cancel', async () => {
  const store = await storeWith({ split, 'measure@shard=a': { size: 1 } });
  const steps = await storedSteps(store, run, planWith('measure'), { hasEnded: true });
  expect(steps.map(({ id, state, tolerated }) => [id, state, tolerated ?? false])).toEqual([
    ['split', 'done', false],
    ['measure@shard=b', 'waiting', false],
    ['measure@shard=a', 'done', false],
    ['sum', 'waiting', false],
  ]);
  expect(toleratedLines(steps)).toEqual([]);
  const of = (id: string, state: StepState, needs: string[]) => ({ id, state, needs, tolerated: true, error: null });
  const lines = toleratedLines([of('a', 'cancelled', []), of('b', 'failed', []), of('c', 'cancelled', ['b'])]);
  expect(lines.slice(1)).toEqual(['  b: not done', '  c: not done']);
});
