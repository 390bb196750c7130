import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';
import { type Decision, decide, type Outcome } from '../../workflows/scheduler.ts';
import { planOf, step } from './interpreter.ts';
import { expectedStates, type RandomRun, randomRuns } from './model.ts';

/** A run without Temporal: decisions are carried out at once, and work ends in an order that the test picks. */
function createRun(plan: Plan) {
  const outcomes: Record<string, Outcome> = Object.fromEntries(
    plan.steps.map(({ id }) => [id, { state: 'waiting', result: null, error: null }]),
  );
  const inFlight = new Set<string>();
  const started: string[] = [];
  const be = (id: string, state: StepState, error: string | null = null) => {
    outcomes[id] = { state, result: state === 'done' ? { value: 1 } : null, error };
  };
  const end = (id: string, state: StepState) => {
    inFlight.delete(id);
    be(id, state, state === 'failed' ? 'as the test wants it' : null);
  };
  const next = ({ isCancelled = false, isHeld = false } = {}): readonly Decision[] => {
    const decisions = decide(plan, { run: 'run', outcomes, inFlight, isCancelled, isHeld });
    for (const decision of decisions)
      if (decision.kind === 'start') {
        started.push(decision.step.id);
        inFlight.add(decision.step.id);
        be(decision.step.id, 'running');
      } else if (decision.kind === 'end') be(decision.id, decision.as, decision.as === 'failed' ? decision.why : null);
      else end(decision.id, 'cancelled');
    return decisions;
  };
  const states = () => Object.fromEntries(Object.entries(outcomes).map(([id, { state }]) => [id, state]));
  return { inFlight, started, end, next, states };
}

/** Runs a random pipeline to its end; which of the running steps ends next is random. */
function complete({ plan, behaviours }: RandomRun, pick: (below: number) => number, cancelAfter: number | null) {
  const run = createRun(plan);
  for (let events = 0; ; events++) {
    const isCancelled = cancelAfter !== null && events >= cancelAfter;
    // Stopped work ends at once here, which is an event of its own.
    while (run.next({ isCancelled }).length > 0);
    if (isCancelled) {
      for (const id of run.inFlight)
        if (plan.steps.find((each) => each.id === id)?.role !== 'finally') run.end(id, 'cancelled');
      while (run.next({ isCancelled }).length > 0);
    }
    const running = [...run.inFlight];
    const id = running[pick(running.length)];
    if (id === undefined) return run;
    const { broken = false, failures = 0 } = behaviours[id] ?? {};
    run.end(id, broken || failures >= 3 ? 'failed' : 'done');
  }
}

const picks = fc.infiniteStream(fc.nat({ max: 1000 }));

describe('the scheduler', () => {
  it('brings every pipeline to the end that the model says, each step once and after what it needs', () => {
    fc.assert(
      fc.property(randomRuns, picks, (random, stream) => {
        const { plan, behaviours } = random;
        const run = complete(random, (below) => (stream.next().value ?? 0) % Math.max(1, below), null);
        const states = run.states();
        const anyFailed = plan.steps.some(({ id, role }) => role === undefined && states[id] === 'failed');
        for (const each of plan.steps)
          expect(expectedStates(plan, each, states, behaviours[each.id], anyFailed), each.id).toContain(
            states[each.id],
          );
        expect(new Set(run.started).size, 'nothing starts twice').toBe(run.started.length);
        for (const { id, needs } of plan.steps)
          for (const need of needs)
            if (run.started.includes(id) && run.started.includes(need))
              expect(run.started.indexOf(need)).toBeLessThan(run.started.indexOf(id));
      }),
      { numRuns: 500 },
    );
  });

  it('ends a cancelled pipeline: nothing but finally starts, and nothing is left waiting', () => {
    fc.assert(
      fc.property(randomRuns, picks, fc.nat({ max: 20 }), (random, stream, cancelAfter) => {
        const run = complete(random, (below) => (stream.next().value ?? 0) % Math.max(1, below), cancelAfter);
        expect(Object.values(run.states()).filter((state) => state === 'waiting' || state === 'running')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('decides nothing more until something has happened', () => {
    fc.assert(
      fc.property(randomRuns, ({ plan }) => {
        const run = createRun(plan);
        run.next();
        expect(run.next().filter(({ kind }) => kind !== 'stop')).toEqual([]);
      }),
    );
  });

  it('starts nothing while it is held, and gives up what can no longer start all the same', () => {
    const run = createRun(planOf([step('a', []), step('b', ['a']), step('c', [])]));
    run.next();
    run.end('a', 'failed');
    run.end('c', 'done');
    expect(run.next({ isHeld: true })).toEqual([{ kind: 'end', id: 'b', as: 'cancelled' }]);
    const held = createRun(planOf([step('a', [])]));
    expect(held.next({ isHeld: true })).toEqual([]);
    expect(held.next()).toMatchObject([{ kind: 'start', step: { id: 'a' } }]);
  });

  it('stops running work that nothing can use any more', () => {
    const run = createRun(planOf([step('a', []), step('b', []), step('c', ['a', 'b'])]));
    run.next();
    run.end('a', 'failed');
    expect(run.next()).toEqual([
      { kind: 'end', id: 'c', as: 'cancelled' },
      { kind: 'stop', id: 'b' },
    ]);
  });

  it('has at most 200 steps in flight', () => {
    const run = createRun(planOf(Array.from({ length: 300 }, (_, index) => step(`s${index}`, []))));
    run.next();
    expect(run.inFlight.size).toBe(200);
    run.end('s0', 'done');
    expect(run.next()).toMatchObject([{ kind: 'start', step: { id: 's200' } }]);
  });
});
