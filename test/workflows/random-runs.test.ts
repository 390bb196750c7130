import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import type { PipelineStatus, StepState } from '../../contracts/status.ts';
import { statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { testSeed } from '../random.ts';
import { type Behaviour, type Interpreter, planOf, startInterpreter, step, type WorkEvent } from './interpreter.ts';

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

interface RandomRun {
  readonly plan: Plan;
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  /** Milliseconds until the run is cancelled, and then resumed. */
  readonly cancelAfter: number | null;
}

const behaviours = fc.record<Behaviour>({
  failures: fc.constantFrom(0, 0, 0, 0, 1, 2),
  broken: fc.constantFrom(false, false, false, false, false, false, false, true),
  ms: fc.constantFrom(0, 0, 5, 40),
});

const drawnStep = fc.record({
  needs: fc.array(fc.nat({ max: 39 }), { maxLength: 3 }),
  behaviour: behaviours,
  /** From a small pool, so that steps of other runs have the same fingerprint. */
  value: fc.nat({ max: 30 }),
  when: fc.constantFrom('none', 'none', 'none', 'result', 'failed', 'never'),
  members: fc.constantFrom(1, 1, 1, 1, 1, 3),
  maxParallel: fc.constantFrom(undefined, 1, 2),
});

const randomRuns = fc
  .record({
    drawn: fc.oneof(
      { weight: 4, arbitrary: fc.array(drawnStep, { minLength: 1, maxLength: 8, size: 'max' }) },
      { weight: 1, arbitrary: fc.array(drawnStep, { minLength: 8, maxLength: 26, size: 'max' }) },
    ),
    handlers: fc.boolean(),
    cancelAfter: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 400 }) }),
  })
  .map(({ drawn, handlers, cancelAfter }): RandomRun => {
    const steps: PlannedStep[] = [];
    const behaviourOf: Record<string, Behaviour> = {};
    const matrices: NonNullable<Plan['matrices']> = {};
    const membersOf: string[][] = [];
    for (const [index, { needs, behaviour, value, when, members, maxParallel }] of drawn.entries()) {
      const id = `s${index}`;
      const ids = members > 1 ? Array.from({ length: members }, (_, member) => `${id}@${member}`) : [id];
      if (steps.length + ids.length > 38) break;
      const named = [...new Set(needs.filter((need) => need < index))];
      const needed = named.flatMap((need) => membersOf[need] ?? []);
      membersOf.push(ids);
      const first = named[0];
      const condition =
        first === undefined || when === 'none'
          ? undefined
          : when === 'result'
            ? `steps.s${first}.state == "done" ? true : false`
            : when === 'failed'
              ? `steps.s${first}.state == "failed"`
              : 'false';
      for (const [member, memberId] of ids.entries()) {
        behaviourOf[memberId] = behaviour;
        steps.push(
          step(memberId, needed, {
            value: value + member / 10,
            ...(condition === undefined ? {} : { when: condition }),
            ...(members > 1 ? { matrix: { of: id, values: { member } } } : {}),
          }),
        );
      }
      if (members > 1) matrices[id] = { members: ids, ...(maxParallel === undefined ? {} : { maxParallel }) };
    }
    if (handlers) steps.push(step('on-failure', [], { role: 'onFailure' }), step('last', [], { role: 'finally' }));
    return { plan: planOf(steps, { matrices }), behaviours: behaviourOf, cancelAfter };
  });

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
  plan: Plan,
  behaviours: RandomRun['behaviours'],
  { steps }: PipelineStatus,
  closed: string,
): void {
  const problems: string[] = [];
  const cancelled = closed === 'CANCELLED';
  const states = Object.fromEntries(steps.map(({ id, state }) => [id, state]));
  const anyFailed = plan.steps.some(({ id, role }) => role === undefined && states[id] === 'failed');
  const events = interpreter.events.filter((event) => event.run === run);
  const last = (id: string, ...whats: string[]) =>
    events.findLastIndex(({ what, step }) => step === id && whats.includes(what));

  for (const step of plan.steps) {
    const { id, role, needs } = step;
    const is = states[id] ?? 'waiting';
    const allowed: readonly StepState[] =
      cancelled && role !== 'finally'
        ? ['done', 'failed', 'cancelled', 'skipped']
        : expectedStates(plan, step, states, behaviours, anyFailed);
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
  const failed = steps.some(({ state }) => state === 'failed');
  if (!cancelled && closed !== (failed ? 'FAILED' : 'COMPLETED')) problems.push(`the run is ${closed}`);
  if (problems.length > 0)
    expect.fail(
      `${problems.join('\n')}\n${JSON.stringify({ run, closed, plan, behaviours, states, events }, null, 1)}`,
    );
}

/** What may have become of a step, given what became of those that it needs. */
function expectedStates(
  plan: Plan,
  step: PlannedStep,
  states: Readonly<Record<string, StepState>>,
  behaviours: RandomRun['behaviours'],
  anyFailed: boolean,
): StepState[] {
  if (step.role === 'finally') return ['done'];
  if (step.role === 'onFailure') return [anyFailed ? 'done' : 'skipped'];
  const needs = step.needs.map((need) => states[need]);
  const asksState = step.when?.includes('.state') ?? false;
  if (!asksState && needs.some((state) => state === 'failed' || state === 'cancelled')) return ['cancelled'];
  if (!asksState && needs.includes('skipped')) return ['skipped'];
  const wanted = /steps\.(\w+)\.state == "(\w+)"/.exec(step.when ?? '');
  if (step.when === 'false') return ['skipped'];
  if (wanted) {
    const members = plan.matrices?.[wanted[1] ?? '']?.members ?? [wanted[1] ?? ''];
    const all = members.map((id) => states[id]);
    const worst = ['failed', 'cancelled', 'skipped', 'done'].find((state) => all.includes(state as StepState));
    if (worst !== wanted[2]) return ['skipped'];
  }
  const behaviour = behaviours[step.id];
  const broken = behaviour?.broken === true || (behaviour?.failures ?? 0) >= 3;
  const using = plan.steps.filter(({ needs }) => needs.includes(step.id)).map(({ id }) => states[id]);
  // Nobody could use it any more.
  const pointless =
    using.some((state) => state === 'failed' || state === 'cancelled') &&
    using.every((state) => state === 'failed' || state === 'cancelled' || state === 'skipped');
  // A broken step's result may be there already, from another run.
  return [
    ...(broken ? (['failed', 'done'] as const) : (['done'] as const)),
    ...(pointless ? (['cancelled'] as const) : []),
  ];
}
