import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';
import { toleratedSteps } from '../../pipelines/language/interpret/tolerance.ts';
import { type Decision, decide, type Outcome } from '../../workflows/scheduler.ts';
import { listStep, planOf, step } from './interpreter.ts';
import { anyFailure, expectedStates, planWith, type RandomRun, randomRuns, resultOf } from './model.ts';

/** A run without Temporal: decisions are carried out at once, and work ends in an order that the test picks. */
function createRun(given: Plan) {
  let plan = given;
  const outcomes: Record<string, Outcome> = Object.fromEntries(
    plan.steps.map(({ id }) => [id, { state: 'waiting', result: null, error: null }]),
  );
  const inFlight = new Set<string>();
  const started: string[] = [];
  const be = (id: string, state: StepState, error: string | null = null) => {
    const step = plan.steps.find((each) => each.id === id);
    outcomes[id] = { state, result: state === 'done' && step ? resultOf(step) : null, error };
  };
  const expand = (next: Plan) => {
    plan = next;
    const ids = new Set(plan.steps.map(({ id }) => id));
    for (const id of Object.keys(outcomes)) if (!ids.has(id)) delete outcomes[id];
    for (const id of ids) outcomes[id] ??= { state: 'waiting', result: null, error: null };
  };
  const end = (id: string, state: StepState) => {
    inFlight.delete(id);
    be(id, state, state === 'failed' ? 'as the test wants it' : null);
  };
  const next = ({ isCancelled = false, isHeld = false } = {}): readonly Decision[] => {
    const decisions = decide(plan, { run: 'run', outcomes, inFlight, isCancelled, isHeld });
    for (const decision of decisions)
      if (decision.kind === 'expand') expand(decision.plan);
      else if (decision.kind === 'start') {
        started.push(decision.step.id);
        inFlight.add(decision.step.id);
        be(decision.step.id, 'running');
      } else if (decision.kind === 'end') be(decision.id, decision.as, decision.as === 'failed' ? decision.why : null);
      else end(decision.id, 'cancelled');
    return decisions;
  };
  const states = () => Object.fromEntries(Object.entries(outcomes).map(([id, { state }]) => [id, state]));
  return { inFlight, started, end, next, states, plan: () => plan };
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
        if (run.plan().steps.find((each) => each.id === id)?.role !== 'finally') run.end(id, 'cancelled');
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
    const seen = { lists: 0, tolerated: 0 };
    fc.assert(
      fc.property(randomRuns, picks, (random, stream) => {
        const { behaviours } = random;
        const run = complete(random, (below) => (stream.next().value ?? 0) % Math.max(1, below), null);
        const states = run.states();
        const plan = run.plan();
        expect(plan, 'the plan is what the results make of it').toEqual(planWith(random.plan, states));
        seen.lists += plan.steps.filter(({ id }) => id.includes('@item=') && states[id] === 'done').length;
        seen.tolerated += toleratedSteps(plan, (id) => states[id]).length;
        const anyFailed = anyFailure(plan, states);
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
    expect(seen.lists, 'items were done').toBeGreaterThan(20);
    expect(seen.tolerated, 'losses were tolerated').toBeGreaterThan(5);
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

  const overItems = (id: string, needs: readonly string[], root = id): [PlannedStep, NonNullable<Plan['matrices']>] => [
    step(id, needs),
    { [id]: { members: [id], list: { step: 's0', path: ['items'], name: 'item', root } } },
  ];

  it('makes one step for each item of a list once the list is there, each with its own counterpart, and joins them', () => {
    const [a, ofA] = overItems('a', ['s0']);
    const [b, ofB] = overItems('b', ['a', 's0'], 'a');
    const matrices = { ...ofA, ...ofB, a: { ...ofA.a, members: ['a'], maxParallel: 1 } };
    const run = createRun(planOf([listStep('s0', [], 3), a, b, step('join', ['b'])], { matrices }));
    run.next();
    expect(run.started).toEqual(['s0']);
    run.end('s0', 'done');
    expect(run.next().map(({ kind }) => kind)).toEqual(['expand', 'start']);
    // The list is i2, i1, i0.
    expect([...run.inFlight]).toEqual(['a@item=i2']);
    run.end('a@item=i2', 'done');
    run.next();
    expect([...run.inFlight]).toEqual(['a@item=i1', 'b@item=i2']);
    for (const id of ['a@item=i1', 'b@item=i2', 'a@item=i0', 'b@item=i1']) {
      run.end(id, 'done');
      run.next();
    }
    expect([...run.inFlight]).toEqual(['b@item=i0']);
    run.end('b@item=i0', 'done');
    expect(run.next()).toMatchObject([{ kind: 'start', step: { id: 'join' } }]);
  });

  it('starts no item that nothing can use any more', () => {
    const [a, ofA] = overItems('a', ['s0']);
    const matrices = { a: { members: ['a'], ...ofA.a, maxParallel: 1 } };
    const run = createRun(planOf([listStep('s0', [], 2), a, step('join', ['a'])], { matrices }));
    run.next();
    run.end('s0', 'done');
    run.next();
    run.end('a@item=i0', 'failed');
    expect(run.next()).toEqual([
      { kind: 'end', id: 'join', as: 'cancelled' },
      { kind: 'end', id: 'a@item=i1', as: 'cancelled' },
    ]);
  });

  it('fails a step whose list is no good, and gives up what needs it', () => {
    const [a, matrices] = overItems('a', ['s0']);
    const run = createRun(planOf([listStep('s0', [], 0), a, step('join', ['a'])], { matrices }));
    run.next();
    run.end('s0', 'done');
    expect(run.next()).toEqual([
      {
        kind: 'end',
        id: 'a',
        as: 'failed',
        why: expect.stringContaining('items of step s0, and that list is empty'),
      },
      { kind: 'end', id: 'join', as: 'cancelled' },
    ]);
  });

  it('makes the steps of a list although the run is held, and starts none of them; one that a person paused waits', () => {
    const [a, matrices] = overItems('a', ['s0']);
    const run = createRun(planOf([listStep('s0', [], 1), a], { matrices }));
    run.next();
    run.end('s0', 'done');
    run.end('a', 'paused');
    expect(run.next()).toEqual([]);
    run.end('a', 'waiting');
    expect(run.next({ isHeld: true })).toMatchObject([{ kind: 'expand' }]);
    expect(run.states()).toEqual({ s0: 'done', 'a@item=i0': 'waiting' });
  });

  const tolerating = (tolerate: number) => {
    const ids = ['m@0', 'm@1', 'm@2'];
    const members = ids.map((id, index) => step(id, [], { matrix: { of: 'm', values: { index } } }));
    const others = [step('join', ids), step('one', ['m@0']), step('sad', [], { role: 'onFailure' })];
    const run = createRun(planOf([...members, ...others], { matrices: { m: { members: ids, tolerate } } }));
    run.next();
    return run;
  };

  it('goes on with the others where as many failed as are tolerated, but not with what needs a failed one by name', () => {
    const run = tolerating(1);
    run.end('m@0', 'failed');
    expect(run.next()).toEqual([{ kind: 'end', id: 'one', as: 'cancelled' }]);
    run.end('m@1', 'done');
    expect(run.next(), 'one of them still runs').toEqual([]);
    run.end('m@2', 'done');
    expect(run.next()).toMatchObject([{ kind: 'start', step: { id: 'join' } }]);
    run.end('join', 'done');
    run.next();
    expect(run.states()).toMatchObject({ join: 'done', one: 'cancelled', sad: 'skipped' });
  });

  it('gives up where more failed than are tolerated, and as soon as that is so', () => {
    const run = tolerating(0.4);
    run.end('m@0', 'failed');
    run.next();
    run.end('m@1', 'failed');
    expect(run.next()).toEqual([
      { kind: 'end', id: 'join', as: 'cancelled' },
      { kind: 'stop', id: 'm@2' },
    ]);
    run.next();
    expect(run.states()).toMatchObject({ sad: 'running' });
  });

  it('never tolerates that all are lost', () => {
    const run = tolerating(3);
    for (const id of ['m@0', 'm@1', 'm@2']) run.end(id, 'failed');
    run.next();
    expect(run.states()).toMatchObject({ join: 'cancelled', sad: 'running' });
  });

  it('has at most 200 steps in flight', () => {
    const run = createRun(planOf(Array.from({ length: 300 }, (_, index) => step(`s${index}`, []))));
    run.next();
    expect(run.inFlight.size).toBe(200);
    run.end('s0', 'done');
    expect(run.next()).toMatchObject([{ kind: 'start', step: { id: 's200' } }]);
  });
});
