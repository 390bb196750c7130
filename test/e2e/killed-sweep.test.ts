import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { sweepResult } from '../../contracts/kinds/sweep.ts';
import type { Plan, PlannedSweep } from '../../contracts/plan.ts';
import { type Course, type Reached, ranking, sweepCourse } from '../../pipelines/language/interpret/sweep/course.ts';
import { loadStepResults, openStore } from '../../store/index.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { randomMoment } from '../random.ts';
import { planOf, step } from '../workflows/interpreter.ts';
import { environment, useKillableWorkers, workers } from './killable-workers.ts';

/**
 * A search of 64 trials by synchronous halving, whose worker is killed five times at random moments. A trial's score is its setting, so
 * what it must come to is known without a run.
 */
const kills = 5;

useKillableWorkers();

const retry = { initialInterval: 10 };
const sweep: PlannedSweep = {
  search: 'random',
  trials: 64,
  over: { x: { linear: [0, 1] } },
  seed: 3,
  seeds: [0],
  goal: 'highest',
  objective: { step: 'sweep-score', path: ['value'] },
  atOnce: 8,
  rungs: [1, 3, 9],
  factor: 3,
  isAsynchronous: false,
  costs: [1, 2, 6],
  budget: {},
  halved: 'sweep-score',
  perRung: ['sweep-score'],
  steps: [step('sweep-score', [], { with: { by: ['${sweep.x}'], goal: 'highest' }, sweep: 'sweep', retry })],
};
const plan: Plan = planOf(
  [
    step('sweep', [], {
      uses: 'sweep',
      with: {
        trials: sweep.trials,
        over: { x: { linear: [0, 1] } },
        steps: { score: 'choose' },
        objective: { maximise: '${steps.sweep-score.result.value}' },
      },
      retry,
    }),
  ],
  { sweeps: { sweep } },
);

/** What the search comes to where each trial arrives with its setting. */
function expected(): { course: Course; order: readonly number[] } {
  const reached = new Map<string, Reached>();
  const reachedOf = (trial: number, rung: number) => reached.get(`${trial} ${rung}`);
  for (;;) {
    const course = sweepCourse(sweep, reachedOf);
    if (course.isOver) return { course, order: ranking(sweep, course, reachedOf) };
    for (const { trial, rung } of course.begun)
      reached.set(`${trial} ${rung}`, { value: Number(course.settings[trial]?.x), seconds: 0 });
  }
}

it(`a search of ${sweep.trials} trials comes to the same order and winner though its worker is killed ${kills} times`, {
  timeout: 900_000,
}, async () => {
  await workers.next();
  const handle = await environment.client.workflow.start<typeof pipeline>('pipeline', {
    workflowId: 'searched',
    taskQueue: 'contrail',
    args: [{ plan, resume: false }],
  });
  let ended = false;
  const result = handle.result().finally(() => {
    ended = true;
  });
  const store = openStore(workers.store);
  const done = async () => Object.keys(await loadStepResults(store, 'searched')).length;
  for (let kill = 1; kill <= kills; kill++) {
    // Spread over the search, whatever the speed of the machine.
    while (!ended && (await done()) < (kill * 184) / (kills + 1)) await sleep(50);
    await sleep(randomMoment(`kill ${kill} of the worker`, 0, 500));
    expect(ended, `it ended after ${kill - 1} kills`).toBe(false);
    workers.kill();
    await workers.next();
  }
  await result;
  const results = await loadStepResults(store, 'searched');
  const { table, trial, value, epochs } = sweepResult.parse(results.sweep?.result);
  const { course, order } = expected();
  expect(table.map((row) => row.trial)).toEqual(order);
  expect(table.map(({ parameters }) => parameters)).toEqual(order.map((each) => course.settings[each]));
  expect({ trial, value }).toEqual({ trial: order[0], value: course.settings[order[0] ?? 0]?.x });
  expect(epochs).toBe(64 + 21 * 2 + 7 * 6);
  const log = await workers.lines();
  // A step whose result was recorded is never done again.
  for (const { trial: each, rung } of course.begun) {
    const id = `searched sweep-score@trial=${each},epochs=${sweep.rungs?.[rung]}`;
    const at = log.indexOf(`done ${id}`);
    if (at >= 0) expect(log.lastIndexOf(`start ${id}`), id).toBeLessThan(at);
  }
});
