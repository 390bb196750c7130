import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';
import { doomedSteps, parsePipeline, pointlessSteps, readySteps } from '../../pipelines/language/index.ts';

const folder = new URL('../../pipelines/', import.meta.url);

describe('the pipelines that ship', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml')))
    it(`${file} is valid`, () =>
      expect(parsePipeline({ text: readFileSync(new URL(file, folder), 'utf8'), file }).steps.length).toBeGreaterThan(
        0,
      ));
});

/** A random graph: each step may need any before it. */
const plans = fc.array(fc.array(fc.nat({ max: 39 }), { maxLength: 4 }), { minLength: 1, maxLength: 40 }).map(
  (wanted): Plan => ({
    name: 'random',
    params: {},
    steps: wanted.map((numbers, index) => ({
      id: `s${index}`,
      uses: 'prepare-data',
      version: 1,
      needs: [...new Set(numbers.filter((number) => number < index))].map((number) => `s${number}`),
      with: {},
      inputs: {},
      queue: 'cpu',
      retry: {},
      timeoutMs: 1000,
    })),
  }),
);

describe('what to run next', () => {
  it('never starts a step before what it needs, and every step ends', () => {
    fc.assert(
      fc.property(plans, fc.infiniteStream(fc.boolean()), (plan, failures) => {
        const states: Record<string, StepState> = Object.fromEntries(plan.steps.map(({ id }) => [id, 'waiting']));
        for (let round = 0; round <= plan.steps.length; round++) {
          for (const id of doomedSteps(plan, states)) states[id] = 'cancelled';
          for (const id of readySteps(plan, states)) {
            const step = plan.steps.find((each) => each.id === id);
            expect(step?.needs.every((need) => states[need] === 'done')).toBe(true);
            states[id] = failures.next().value ? 'done' : 'failed';
          }
        }
        for (const { id, needs } of plan.steps) {
          expect(['done', 'failed', 'cancelled']).toContain(states[id]);
          expect(states[id] === 'cancelled').toBe(needs.some((need) => states[need] !== 'done'));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('gives up a running step that nothing can use any more, but not one that nothing needs', () => {
    const step = (id: string, needs: string[]) => ({
      id,
      uses: 'prepare-data' as const,
      version: 1,
      needs,
      with: {},
      inputs: {},
      queue: 'cpu',
      retry: {},
      timeoutMs: 1,
    });
    const plan: Plan = {
      name: 'p',
      params: {},
      steps: [step('a', []), step('b', []), step('leaf', []), step('c', ['a', 'b'])],
    };
    expect(pointlessSteps(plan, { a: 'failed', b: 'running', leaf: 'running', c: 'waiting' })).toEqual(['b']);
  });
});
