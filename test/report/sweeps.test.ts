import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { gather, renderReport } from '../../report/index.ts';
import { openStore, recordRun, savePlan, saveStepResult } from '../../store/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-searched-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const text = `name: searched
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  search:
    uses: sweep
    needs: [data]
    with:
      trials: 6
      seeds: 2
      over: { learningRate: { log: [0.01, 1] } }
      halving: { from: 1, factor: 3 }
      objective: { maximise: "\${steps.probe.result.validationTop1}" }
      steps:
        pretrain: { uses: pretrain, with: { epochs: 3, seed: "\${sweep.seed}", optimizer: { name: sgd, learningRate: "\${sweep.learningRate}" } } }
        probe: { uses: linear-probe, needs: [pretrain] }
`;
const plan = parsePipeline({ text, file: 'searched.yaml' });

/** A run of which so many trials have arrived; trial 4 is the best, and trial 1 was lost. */
async function runWith(arrivals: number) {
  const store = openStore(join(folder, String(arrivals)));
  await savePlan(store, 'searched', plan);
  await recordRun(store, {
    run: 'searched',
    pipeline: 'searched',
    params: {},
    createdAt: '2026-11-28T09:00:00.000Z',
    environment: {},
  });
  const results: Record<string, Json> = {};
  for (let arrived = 0; arrived < arrivals; arrived++) {
    const { steps } = expandPlan(plan, results).plan;
    const next = steps.find(({ id, uses }) => uses === 'trial' && !(id in results));
    if (!next) break;
    const trial = Number(next.with.trial);
    const value = trial === 1 ? null : trial === 4 ? 0.9 : trial / 10;
    const result = { value, values: [value, value], seconds: 30, ...(value === null ? { lost: 'it diverged' } : {}) };
    results[next.id] = result;
    const stored = { fingerprint: '{"uses":"trial"}', result, seconds: 1, finishedAt: '2026-11-28T10:00:00.000Z' };
    await saveStepResult(store, { run: 'searched', step: next.id }, stored);
  }
  return gather(store, 'searched', { maps: false });
}

it('a report has the search as a whole, and of its trials the winner alone', async () => {
  const report = await runWith(100);
  expect(report.sweeps).toHaveLength(1);
  const [sweep] = report.sweeps;
  expect(sweep?.isOver).toBe(true);
  expect(sweep?.trials.map(({ trial }) => trial)).toEqual([4, 5, 3, 2, 0, 1]);
  expect(sweep?.trials[0]?.rungs).toEqual([
    { epochs: 1, value: 0.9 },
    { epochs: 3, value: 0.9 },
  ]);
  expect(sweep?.trials.at(-1)?.lost).toBe('it diverged');
  expect(sweep).toMatchObject({ objective: 'probe.validationTop1', epochs: 2 * (6 + 2 * 2), seconds: 8 * 30 });
  expect(report.steps.map(({ step }) => step)).toEqual(['data', 'search']);
  expect(report.trainings.map(({ step, arm, variant }) => [step, arm, variant])).toEqual([
    ['search-pretrain@trial=4,seed=0,epochs=3', 'search', 'seed=0'],
    ['search-pretrain@trial=4,seed=1,epochs=3', 'search', 'seed=1'],
  ]);
});

it('a report of a search that goes on has what has arrived', async () => {
  const report = await runWith(3);
  const [sweep] = report.sweeps;
  expect(sweep).toMatchObject({ isOver: false, wanted: 6 });
  expect(sweep?.trials.filter(({ rungs }) => rungs.length > 0)).toHaveLength(3);
  expect(report.trainings).toEqual([]);
  const { document } = parseHTML(renderReport(report, new Map()));
  expect(document.querySelector('#sweeps')?.textContent).toContain('The best so far is trial 2');
});
