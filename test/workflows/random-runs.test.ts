import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Plan } from '../../contracts/plan.ts';
import type { PipelineStatus } from '../../contracts/status.ts';
import { statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { testSeed } from '../random.ts';
import { type Interpreter, startInterpreter, type WorkEvent } from './interpreter.ts';
import { anyFailure, expectedStates, planWith, type RandomRun, randomRuns } from './model.ts';

/**
 * Random pipelines on the real server. What a step may become follows from what became of the steps that it needs: that is
 * the whole model, and it is checked for each step of each run.
 */
const runs = 200;
const atATime = 12;

let interpreter: Interpreter;
beforeAll(async () => {
  interpreter = await startInterpreter();
}, 120_000);
afterAll(() => interpreter.stop(), 60_000);

let hits = 0;

it(`${runs} random pipelines end as they must, each step once and after what it needs (seed ${testSeed})`, {
  timeout: 600_000,
}, async () => {
  const drawn = fc.sample(randomRuns, { numRuns: runs, seed: testSeed });
  expect(drawn.some(({ plan }) => plan.steps.length > 30)).toBe(true);

  let next = 0;
  const work = async () => {
    for (let index = next++; index < drawn.length; index = next++) {
      const one = drawn[index];
      if (one) await runAndCheck(`run-${index}`, one);
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  expect(hits).toBeGreaterThan(20);
});

async function runAndCheck(run: string, { plan, behaviours, cancelAfter }: RandomRun): Promise<void> {
  for (const [id, behaviour] of Object.entries(behaviours)) interpreter.behaviours.set(`${run}/${id}`, behaviour);
  const { client } = interpreter.environment;
  const start = (resume: boolean) =>
    client.workflow.start<typeof pipeline>('pipeline', {
      workflowId: run,
      taskQueue: 'contrail',
      args: [{ plan, resume }],
      workflowExecutionTimeout: '5m',
    });
  let handle = await start(false);
  if (cancelAfter !== null) {
    await new Promise((resolve) => setTimeout(resolve, cancelAfter));
    await handle.cancel().catch(() => undefined);
    await handle.result().catch(() => undefined);
    check(run, plan, behaviours, await handle.query(statusQuery), (await handle.describe()).status.name);
    handle = await start(true);
  }
  await handle.result().catch(() => undefined);
  check(run, plan, behaviours, await handle.query(statusQuery), (await handle.describe()).status.name);
}

function check(
  run: string,
  written: Plan,
  behaviours: RandomRun['behaviours'],
  { steps }: PipelineStatus,
  closed: string,
): void {
  const problems: string[] = [];
  const cancelled = closed === 'CANCELLED';
  const states = Object.fromEntries(steps.map(({ id, state }) => [id, state]));
  const plan = planWith(written, states);
  expect(Object.keys(states), `the steps of ${run}`).toEqual(plan.steps.map(({ id }) => id));
  const anyFailed = anyFailure(plan, states);
  const events = interpreter.events.filter((event) => event.run === run);
  const last = (id: string, ...whats: string[]) =>
    events.findLastIndex(({ what, step }) => step === id && whats.includes(what));

  for (const step of plan.steps) {
    const { id, role, needs } = step;
    const is = states[id] ?? 'waiting';
    const allowed: readonly string[] =
      cancelled && role !== 'finally'
        ? ['done', 'failed', 'cancelled', 'skipped']
        : expectedStates(plan, step, states, behaviours[step.id], anyFailed);
    if (!allowed.includes(is)) problems.push(`${id} is ${is}, not ${allowed.join(' or ')}`);
    if (role === undefined && events.filter(({ what, step }) => what === 'done' && step === id).length > 1)
      problems.push(`${id} was done twice`);
    const started = last(id, 'start');
    for (const need of needs)
      if (started >= 0 && last(need, 'done', 'error') > started)
        problems.push(`${id} started before ${need} had ended`);
  }
  for (const { id, from, state } of steps) {
    if (!from) continue;
    hits++;
    const origin = ({ what, run, step }: WorkEvent) => what === 'done' && run === from.run && step === from.step;
    if (state !== 'done' || !interpreter.events.some(origin)) problems.push(`${id} has a result that nobody made`);
  }
  if (closed === 'TIMED_OUT') problems.push('the run does not end');
  const failed = steps.some(({ state, tolerated }) => state === 'failed' && !tolerated);
  if (!cancelled && closed !== (failed ? 'FAILED' : 'COMPLETED')) problems.push(`the run is ${closed}`);
  if (problems.length > 0)
    expect.fail(
      `${problems.join('\n')}\n${JSON.stringify({ run, closed, plan, behaviours, states, events }, null, 1)}`,
    );
}
