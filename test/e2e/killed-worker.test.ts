import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { loadStepResults, openStore } from '../../store/index.ts';
import { statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { randomMoment } from '../random.ts';
import { planOf, step } from '../workflows/interpreter.ts';
import { environment, useKillableWorkers, workers } from './killable-workers.ts';

/**
 * The worker, with workflows and steps, is killed at random moments while runs of 50 steps with a matrix go on. Killed
 * steps are given to the next worker when their heartbeat is missed, which takes 15 seconds: several runs at a time make a
 * kill hit more of them.
 */
const kills = 20;
const runs = ['one', 'two', 'three', 'four', 'five'];

useKillableWorkers();

/** 10 steps, a matrix of 30 of which 6 run at a time, each after one of those, and 10 after all of them. */
function fiftySteps(run: number) {
  const value = (index: number) => run * 100 + index;
  const members = Array.from({ length: 30 }, (_, index) => `m@${index}`);
  return planOf(
    [
      ...Array.from({ length: 10 }, (_, index) =>
        step(`a${index}`, index < 2 ? [] : [`a${index - 2}`], { value: value(index) }),
      ),
      ...members.map((id, index) =>
        step(id, [`a${index % 10}`], { value: value(10 + index), matrix: { of: 'm', values: { index } } }),
      ),
      ...Array.from({ length: 10 }, (_, index) => step(`z${index}`, members, { value: value(40 + index) })),
    ].map((each) => ({ ...each, retry: { initialInterval: 10 } })),
    { matrices: { m: { members, maxParallel: 6 } } },
  );
}

it(`${runs.length} runs of 50 steps end right though their worker is killed ${kills} times, and no finished step runs twice`, {
  timeout: 600_000,
}, async () => {
  await workers.next();
  const handles = await Promise.all(
    runs.map((run, index) =>
      environment.client.workflow.start<typeof pipeline>('pipeline', {
        workflowId: run,
        taskQueue: 'contrail',
        args: [{ plan: fiftySteps(index), resume: false }],
      }),
    ),
  );
  let ended = false;
  const results = Promise.all(handles.map((handle) => handle.result())).finally(() => {
    ended = true;
  });
  let killed = 0;
  for (; killed < kills; killed++) {
    await sleep(randomMoment(`kill ${killed + 1} of the worker`, 200, 2700));
    expect(ended, `all ended after ${killed} kills`).toBe(false);
    workers.kill();
    await workers.next();
  }
  for (const [index, result] of (await results).entries()) {
    const { steps } = fiftySteps(index);
    expect(Object.fromEntries(Object.entries(result).map(([id, { value }]) => [id, value]))).toEqual(
      Object.fromEntries(steps.map(({ id, with: { by } }) => [id, (by as number[])[0]])),
    );
  }
  const log = await workers.lines();
  for (const [index, run] of runs.entries()) {
    const { steps } = await environment.client.workflow.getHandle(run).query(statusQuery);
    expect(steps.every(({ state }) => state === 'done')).toBe(true);
    expect(Object.keys(await loadStepResults(openStore(workers.store), run))).toHaveLength(50);
    for (const { id, needs } of fiftySteps(index).steps) {
      const done = log.indexOf(`done ${run} ${id}`);
      const starts = log.flatMap((line, at) => (line === `start ${run} ${id}` ? [at] : []));
      expect(starts.length, `${run} ${id} was started`).toBeGreaterThan(0);
      // A kill between the record and this line leaves none; then the step must not have been started again after the record.
      if (done >= 0)
        expect(
          starts.every((at) => at < done),
          `${run} ${id} runs no more once it is done`,
        ).toBe(true);
      for (const need of needs)
        expect(log.indexOf(`start ${run} ${need}`), `${run} ${id} came after ${need}`).toBeLessThan(starts[0] ?? -1);
    }
  }
});
