import { afterAll, beforeAll, expect, it } from 'vitest';
import { resultOfSweep } from '../../activities/sweep.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import type { SweepResult } from '../../contracts/kinds/sweep.ts';
import type { Plan, PlannedStep, PlannedSweep } from '../../contracts/plan.ts';
import { stepKinds } from '../../contracts/step-kinds.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { loadStepResults } from '../../store/index.ts';
import { statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { type Interpreter, planOf, startInterpreter, step } from './interpreter.ts';

/** Searches of 64 trials on a server that suggests a new history early. Epochs take no time, and a trial's score is its setting. */
let interpreter: Interpreter;
beforeAll(async () => {
  interpreter = await startInterpreter(['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=400']);
}, 180_000);
afterAll(() => interpreter.stop(), 60_000);

const template = (id: string, more: Partial<PlannedStep>) => step(id, ['data'], { ...more, sweep: 'sweep' });

function searching(isAsynchronous: boolean): Plan {
  const sweep: PlannedSweep = {
    search: 'random',
    trials: 64,
    over: { x: { linear: [0, 1] } },
    seed: 1,
    seeds: [0],
    goal: 'highest',
    objective: { step: 'sweep-score', path: ['value'] },
    atOnce: 6,
    rungs: [1, 3, 9],
    factor: 3,
    isAsynchronous,
    costs: [1, 2, 6],
    budget: {},
    halved: 'sweep-train',
    perRung: ['sweep-train', 'sweep-score'],
    steps: [
      template('sweep-train', {
        uses: 'pretrain',
        version: 2,
        with: { epochs: 9, optimizer: { name: 'sgd', learningRate: '${sweep.x}' } },
        inputs: { dataset: { step: 'data', field: 'dataset', kind: 'dataset' } },
      }),
      template('sweep-score', { needs: ['data', 'sweep-train'], with: { by: ['${sweep.x}'], goal: 'highest' } }),
    ],
  };
  const { trials } = sweep;
  return planOf(
    [
      step('data', [], {
        uses: 'prepare-data',
        version: stepKinds['prepare-data'].version,
        with: prepareDataParameters.parse({ dataset: 'generated', generated: { images: 64 } }) as PlannedStep['with'],
      }),
      step('sweep', ['data'], {
        uses: 'sweep',
        with: {
          trials,
          over: { x: { linear: [0, 1] } },
          steps: { train: 'pretrain', score: 'choose' },
          objective: { maximise: '${steps.sweep-score.result.value}' },
        },
      }),
      step('after', ['sweep'], { with: { by: ['${steps.sweep.result.value}'], goal: 'highest' } }),
    ],
    { sweeps: { sweep } },
  );
}

async function search(run: string, plan: Plan, broken: readonly string[] = [], resume = false) {
  for (const id of broken) interpreter.behaviours.set(`${run}/${id}`, { failures: 0, broken: true, ms: 0 });
  const handle = await interpreter.environment.client.workflow.start<typeof pipeline>('pipeline', {
    workflowId: run,
    taskQueue: 'contrail',
    args: [{ plan, resume }],
  });
  await handle.result();
  const { steps } = await handle.query(statusQuery);
  const stored = await loadStepResults(interpreter.store, run);
  const histories = [];
  for await (const each of interpreter.environment.client.workflow.list({ query: `WorkflowId = '${run}'` }))
    histories.push(each.historyLength);
  return { steps, stored, result: stored.sweep?.result as unknown as SweepResult, histories };
}

it('a search of 64 trials goes through several histories, and a lost trial stops nothing', {
  timeout: 300_000,
}, async () => {
  const lost = 'sweep-score@trial=5,epochs=1';
  const plan = searching(false);
  const { steps, stored, result, histories } = await search('halved', plan, [lost]);
  const best = [...result.table].sort((a, b) => Number(b.parameters.x) - Number(a.parameters.x));
  expect(result.table.map(({ rungs }) => rungs.length).reduce((sum, each) => sum + each, 0)).toBe(64 + 21 + 7);
  expect(result.parameters.x).toBe(best.find(({ trial }) => trial !== 5)?.parameters.x);
  expect(result.table.at(-1)).toMatchObject({ trial: 5, lost: expect.stringContaining('as the test wants it') });
  expect(stored.after?.result.value).toBe(result.value);
  expect(steps.find(({ id }) => id === lost)).toMatchObject({ state: 'failed', tolerated: true });
  expect(histories.length).toBeGreaterThan(1);
  // Whoever reads the store knows the same steps.
  const results = Object.fromEntries(Object.entries(stored).map(([id, each]) => [id, each.result]));
  const { plan: known } = expandPlan(plan, results);
  expect(known.steps.map(({ id }) => id)).toEqual(steps.map(({ id }) => id));
  const end = known.steps.find(({ id }) => id === 'sweep');
  expect(end?.with.ended).toBeDefined();
  // A training that stops is asked for no epoch past its rung, and the one after goes on there.
  const asked = interpreter.epochs.filter(({ run, step: id }) => run === 'halved' && id.includes('trial=0,'));
  expect(asked.filter(({ step: id }) => id.endsWith('epochs=1')).map(({ epoch, until }) => [epoch, until])).toEqual([
    [1, 1],
  ]);
  // A resume tries the lost trial again, and does nothing else anew.
  interpreter.behaviours.delete(`halved/${lost}`);
  const scored = () =>
    interpreter.events.flatMap(({ what, run, step: id }) =>
      what === 'done' && run === 'halved' && id.startsWith('sweep-score@') ? [id] : [],
    );
  const before = scored();
  const again = await search('halved', plan, [], true);
  const { rungs, parameters } = again.result.table.find(({ trial }) => trial === 5) ?? {};
  expect(rungs?.[0]?.value).toBe(parameters?.x);
  const anew = scored().slice(before.length);
  expect(anew).toContain(lost);
  expect(anew.filter((id) => id.endsWith('epochs=1'))).toEqual([lost]);
  expect(() => resultOfSweep({ ended: undefined } as never)).toThrow('not over');
});

it('an asynchronous search writes down who arrived, and promotes by that', { timeout: 300_000 }, async () => {
  const plan = searching(true);
  const { steps, stored, result } = await search('asynchronous', plan);
  const arrivals = Object.entries(stored).flatMap(([id, each]) =>
    id.startsWith('sweep-trial@') ? [Number(each.result.arrival)] : [],
  );
  expect(arrivals.sort((a, b) => a - b)).toEqual(arrivals.map((_, at) => at + 1));
  expect(result.table).toHaveLength(64);
  expect(result.table[0]?.rungs).toHaveLength(3);
  const promoted = steps.filter(({ id }) => id.startsWith('sweep-trial@') && id.endsWith('epochs=3')).length;
  expect(promoted).toBeGreaterThanOrEqual(Math.floor(64 / 3));
  const results = Object.fromEntries(Object.entries(stored).map(([id, each]) => [id, each.result]));
  expect(new Set(expandPlan(plan, results).plan.steps.map(({ id }) => id))).toEqual(new Set(steps.map(({ id }) => id)));
});
