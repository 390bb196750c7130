import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import type { Plan, PlannedStep, StepRole } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';
import { neverStarting, pointlessSteps, readySteps } from '../../pipelines/language/index.ts';
import { bareStep } from './plan.ts';

const folder = new URL('../../pipelines/', import.meta.url);

describe('the pipelines that ship', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml')))
    it(`${file} is valid`, async () => {
      const pipeline = await openPipelineFile(fileURLToPath(new URL(file, folder)));
      expect(pipeline.plan({}).steps.length).toBeGreaterThan(0);
    });
});

/** A random pipeline: each step may need any before it; some decide by themselves, some are a matrix, some come last. */
const plans = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat({ max: 39 }), { maxLength: 4 }),
      when: fc.constantFrom(undefined, undefined, 'true', 'state'),
      role: fc.constantFrom<StepRole[]>('step', 'step', 'step', 'step', 'onFailure', 'finally'),
      isOfMatrix: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .chain((wanted) => fc.tuple(fc.constant(wanted), fc.integer({ min: 1, max: 3 })))
  .map(([wanted, maxParallel]): Plan => {
    const steps = wanted.map(({ needs, when, role, isOfMatrix }, index) => {
      const before = [...new Set(needs)].filter((number) => number < index && wanted[number]?.role === role);
      const ids = before.map((number) => `s${number}`);
      return bareStep(`s${index}`, ids, {
        ...(role === 'step' ? {} : { role }),
        ...(when === undefined ? {} : { when: when === 'state' && ids[0] ? `steps.${ids[0]}.state != 'x'` : 'true' }),
        ...(isOfMatrix && role === 'step' ? { matrix: { of: 'm', values: { index } } } : {}),
      });
    });
    const members = steps.filter(({ matrix }) => matrix).map(({ id }) => id);
    return {
      name: 'random',
      params: {},
      steps,
      ...(members.length > 0 ? { matrices: { m: { members, maxParallel } } } : {}),
    };
  });

const decides = ({ when }: PlannedStep) => when?.includes('.state') ?? false;
const all = (plan: Plan, state: StepState): Record<string, StepState> =>
  Object.fromEntries(plan.steps.map(({ id }) => [id, state]));

describe('what to run next', () => {
  it('never starts a step before what it needs or too many of a matrix, and every step ends', () => {
    fc.assert(
      fc.property(plans, fc.infiniteStream(fc.nat({ max: 5 })), (plan, random) => {
        const pick = (below: number) => (random.next().value ?? 0) % below;
        const states = all(plan, 'waiting');
        const stepOf = (id: string) => plan.steps.find((each) => each.id === id) ?? bareStep(id, []);
        for (let round = 0; round <= 3 * plan.steps.length; round++) {
          for (const [id, end] of neverStarting(plan, states)) states[id] = end;
          expect([...neverStarting(plan, states).keys()]).toEqual([]);
          for (const id of readySteps(plan, states)) {
            const step = stepOf(id);
            const allowed = decides(step) ? ['done', 'failed', 'cancelled', 'skipped'] : ['done'];
            for (const need of step.needs) expect(allowed).toContain(states[need]);
            if (step.role)
              for (const other of plan.steps)
                if (!other.role) expect(['done', 'failed', 'cancelled', 'skipped']).toContain(states[other.id]);
            states[id] = step.when && pick(4) === 0 ? 'skipped' : 'running';
          }
          const running = plan.steps.filter(({ id }) => states[id] === 'running');
          const members = running.filter(({ matrix }) => matrix);
          expect(members.length).toBeLessThanOrEqual(plan.matrices?.m?.maxParallel ?? 0);
          const ending = running[pick(Math.max(1, running.length))];
          if (ending) states[ending.id] = pick(4) === 0 ? 'failed' : 'done';
        }
        const ended = plan.steps.filter((step) => !step.role).map(({ id }) => states[id]);
        for (const step of plan.steps) {
          const state = states[step.id];
          expect(['done', 'failed', 'cancelled', 'skipped']).toContain(state);
          const lost = step.needs
            .map((need) => states[need])
            .filter((each) => each === 'failed' || each === 'cancelled');
          if (state === 'cancelled') expect(lost.length).toBeGreaterThan(0);
          if (decides(step)) expect(state).not.toBe('cancelled');
          if (step.role === 'onFailure' && step.needs.length === 0 && !ended.includes('failed'))
            expect(state).toBe('skipped');
          if (step.role === 'finally' && step.needs.length === 0 && !step.when)
            expect(['done', 'failed']).toContain(state);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('passes over what needs a step that was skipped, and so on', () => {
    const plan: Plan = {
      name: 'p',
      params: {},
      steps: [
        bareStep('a', []),
        bareStep('b', ['a']),
        bareStep('c', ['b']),
        bareStep('d', ['b'], { when: "steps.b.state == 'skipped'" }),
      ],
    };
    const states = { ...all(plan, 'waiting'), a: 'skipped' as const };
    expect([...neverStarting(plan, states)]).toEqual([
      ['b', 'skipped'],
      ['c', 'skipped'],
    ]);
    expect(readySteps(plan, { ...states, b: 'skipped', c: 'skipped' })).toEqual(['d']);
  });

  it('lets a failure decide where another need was skipped', () => {
    const plan: Plan = {
      name: 'p',
      params: {},
      steps: [bareStep('a', []), bareStep('b', []), bareStep('c', ['a', 'b'])],
    };
    expect([...neverStarting(plan, { a: 'skipped', b: 'failed', c: 'waiting' })]).toEqual([['c', 'cancelled']]);
  });

  it('passes over what is there for a failure at once, when the last step that is given up was no failure', () => {
    const plan: Plan = {
      name: 'p',
      params: {},
      steps: [
        bareStep('a', []),
        bareStep('b', ['a']),
        bareStep('undo', [], { role: 'onFailure' }),
        bareStep('tell', ['undo'], { role: 'finally' }),
      ],
    };
    expect([...neverStarting(plan, { ...all(plan, 'waiting'), a: 'skipped' })]).toEqual([
      ['b', 'skipped'],
      ['undo', 'skipped'],
      ['tell', 'skipped'],
    ]);
    expect([...neverStarting(plan, { ...all(plan, 'waiting'), a: 'failed' })]).toEqual([['b', 'cancelled']]);
  });

  it('gives up a running step that nothing can use any more, but not one that nothing needs', () => {
    const plan: Plan = {
      name: 'p',
      params: {},
      steps: [bareStep('a', []), bareStep('b', []), bareStep('leaf', []), bareStep('c', ['a', 'b'])],
    };
    expect(pointlessSteps(plan, { a: 'failed', b: 'running', leaf: 'running', c: 'waiting' })).toEqual(['b']);
  });

  it('does not give up what only skipped steps would have used, or what decides by itself will', () => {
    const plan: Plan = {
      name: 'p',
      params: {},
      steps: [
        bareStep('a', []),
        bareStep('b', []),
        bareStep('c', ['a', 'b']),
        bareStep('d', ['a', 'b'], { when: "steps.a.state == 'failed'" }),
      ],
    };
    expect(pointlessSteps(plan, { a: 'done', b: 'running', c: 'skipped', d: 'skipped' })).toEqual([]);
    expect(pointlessSteps(plan, { a: 'failed', b: 'running', c: 'cancelled', d: 'waiting' })).toEqual([]);
  });

  it('can give up what has not started too, with all that only this needs', () => {
    const plan: Plan = {
      name: 'p',
      params: {},
      steps: [bareStep('x', []), bareStep('a', []), bareStep('b', ['a']), bareStep('c', ['b', 'x'])],
    };
    const states = { x: 'failed', a: 'running', b: 'waiting', c: 'waiting' } as const;
    expect(pointlessSteps(plan, states)).toEqual([]);
    expect(pointlessSteps(plan, states, true)).toEqual(['a', 'b']);
  });
});
