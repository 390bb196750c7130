import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import { evaluateWhen, type StepOutcome, whenContext } from '../../pipelines/language/index.ts';
import { bareStep, planOf } from './plan.ts';

const none = { params: {}, matrix: {}, steps: {}, run: {} };
const values = {
  ...none,
  params: { epochs: 20, rate: 0.5, name: 'a', list: [1, 2, 3], flags: { big: true } },
  steps: { 'my-step': { state: 'done' as const, result: { top1: 0.87, classes: 10 } } },
};

describe('an expression', () => {
  for (const [expression, expected] of [
    ['params.epochs > 10', true],
    ['params.epochs == 20 && params.epochs + 1 == 21', true],
    ['params.epochs / 3 > 6.6', true],
    ['params.epochs % 3 == 2', true],
    ['params.rate * 2 == 1', true],
    ['2 * params.rate + params.epochs == 21', true],
    ['params.list.exists(each, each > 2) && size(params.list) == 3', true],
    ['params.list[0] == 1', true],
    ['params.epochs in [10, 20]', true],
    ["params.name.startsWith('b') || params.flags.big", true],
    ['steps.my-step.result.top1 - 0.5 > 0.3', true],
    ['steps["my-step"].state == "done"', true],
    ["steps.my-step.state in ['failed', 'cancelled']", false],
    ['has(params.nothing) ? params.nothing > 1 : false', false],
  ] as const)
    it(expression, () => expect(evaluateWhen(expression, values)).toEqual({ ok: true, value: expected }));

  it('says which result is missing', () =>
    expect(
      evaluateWhen('steps.my-step.result.top1 > 0', {
        ...none,
        steps: { 'my-step': { state: 'skipped', result: null } },
      }),
    ).toEqual({
      ok: false,
      message:
        'when (steps.my-step.result.top1 > 0) cannot be evaluated: step my-step has no result top1; it is skipped',
    }));

  it('must give true or false', () =>
    expect(evaluateWhen('params.epochs', values)).toEqual({
      ok: false,
      message: 'when (params.epochs) must give true or false, not 20',
    }));

  it('compares numbers as JavaScript does, whichever are whole', () => {
    const number = fc.oneof(fc.integer({ min: -1e6, max: 1e6 }), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(number, number, (a, b) => {
        const context = { ...none, params: { a, b } };
        expect(evaluateWhen('params.a < params.b', context)).toEqual({ ok: true, value: a < b });
        expect(evaluateWhen(`params.a >= ${Math.trunc(b)}`, context)).toEqual({ ok: true, value: a >= Math.trunc(b) });
        expect(evaluateWhen('params.a + params.b == params.b + params.a', context)).toEqual({ ok: true, value: true });
      }),
    );
  });
});

describe('what an expression sees of a run', () => {
  const plan = planOf(
    `
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data], matrix: { seed: [0, 1] }, with: { seed: "\${matrix.seed}" } }
  probe: { uses: linear-probe, needs: [pretrain], matrix: pretrain, when: "steps.pretrain.result.loss < params.most && matrix.seed < 5" }
  any: { uses: prepare-data, when: "steps.pretrain.result.loss.exists(loss, loss < 4)", with: { dataset: generated } }
  all: { uses: prepare-data, when: "steps.pretrain.state == 'failed' && steps.pretrain.states[0] == 'done'", with: { dataset: generated } }`,
    'params: { most: 4 }',
  );
  const outcomes: Record<string, StepOutcome> = {
    'pretrain@seed=0': { state: 'done', result: { loss: 3 } },
    'pretrain@seed=1': { state: 'failed', result: null },
  };
  const evaluate = (id: string, seen: Record<string, StepOutcome>) => {
    const step = plan.steps.find((each) => each.id === id);
    if (!step?.when) throw new Error(`${id} has no when`);
    return evaluateWhen(step.when, whenContext(plan, step, seen));
  };
  const done = (loss: Json): StepOutcome => ({ state: 'done', result: { loss } });

  it('is its own counterpart for one of the same matrix', () => {
    const seen = { 'pretrain@seed=0': done(3), 'pretrain@seed=1': done(5) };
    expect(evaluate('probe@seed=0', seen)).toEqual({ ok: true, value: true });
    expect(evaluate('probe@seed=1', seen)).toEqual({ ok: true, value: false });
  });

  it('is the list of all for another', () =>
    expect(evaluate('any', { 'pretrain@seed=0': done(5), 'pretrain@seed=1': done(3) })).toEqual({
      ok: true,
      value: true,
    }));

  it('is one state for all of a matrix, and the state of each', () =>
    expect(evaluate('all', outcomes)).toEqual({ ok: true, value: true }));

  it('is the run as well, in steps of finally', () => {
    const step = bareStep('last', [], { role: 'finally', when: "run.state == 'failed'" });
    const context = whenContext({ ...plan, steps: [step] }, step, {}, { id: 'r', state: 'failed', error: 'x' });
    expect(evaluateWhen("run.state == 'failed'", context)).toEqual({ ok: true, value: true });
  });
});
