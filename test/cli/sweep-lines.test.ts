import { describe, expect, it } from 'vitest';
import { notableOfTrials, sweepLines } from '../../cli/sweep-lines.ts';
import type { Json } from '../../contracts/json.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { planOf } from '../pipelines/plan.ts';
import { swept } from '../pipelines/swept.ts';

/** The steps of a run whose trials have come to these values after an epoch, and after three. */
function stepsOf(
  more: Readonly<Record<string, string>>,
  first: readonly (number | null)[],
  second: readonly number[] = [],
) {
  const plan = planOf(swept({ halving: '{ from: 1, factor: 3 }', ...more }));
  const results: Record<string, { readonly [name: string]: Json }> = {};
  for (const [trial, value] of first.entries())
    results[`sweep-trial@trial=${trial},epochs=1`] = {
      value,
      values: [value],
      seconds: 1,
      ...(value === null ? { lost: 'x' } : {}),
    };
  for (const [trial, value] of second.entries())
    results[`sweep-trial@trial=${trial},epochs=3`] = { value, values: [value], seconds: 1 };
  const steps = expandPlan(plan, results).plan.steps.map(({ id }) => {
    const result = results[id] ?? (first.length > 0 && id.includes('trial=0,epochs=1') ? { loss: 1 } : null);
    return { id, result, state: result ? ('done' as const) : ('waiting' as const) };
  });
  return { plan, steps };
}

describe('what `status` says of a sweep', () => {
  it('is how many trials have come to each rung, and the best so far with its settings', () => {
    const { plan, steps } = stepsOf({}, [0.5, null, 0.25]);
    const { learningRate, temperature } = (plan && expandPlan(plan, {}).plan.steps[1]?.matrix?.values) ?? {};
    expect(sweepLines(plan, steps)).toEqual([
      `sweep: 3 of 6 trials have come to 1 epoch; the best so far is trial 0, probe.validationTop1 0.5 after 1 epoch: learningRate ${learningRate}, temperature ${temperature}`,
    ]);
    const further = stepsOf({}, [0.5, 0.4, 0.3, 0.2, 0.1, 0], [0.75]);
    expect(sweepLines(further.plan, further.steps)[0]).toContain(
      '6 of 6 trials have come to 1 epoch, 1 to 3; the best so far is trial 0, probe.validationTop1 0.75 after 3 epochs:',
    );
  });

  it('is that none has arrived yet, and nothing once it is over, or its results are not known', () => {
    const { plan, steps } = stepsOf({}, []);
    expect(sweepLines(plan, steps)).toEqual(['sweep: 0 of 6 trials have come to 1 epoch']);
    const over = steps.map((step) =>
      step.id === 'sweep' ? { ...step, state: 'done' as const, result: { value: 1 } } : step,
    );
    expect(sweepLines(plan, over)).toEqual([]);
    expect(sweepLines(plan, [{ id: 'data', state: 'done', result: null }])).toEqual([]);
    expect(sweepLines(null, steps)).toEqual([]);
  });

  it('leaves out of the table what does nothing and did not fail, where a search is long', () => {
    const short = stepsOf({}, [0.5]);
    expect(notableOfTrials(short.plan, short.steps)).toEqual({ steps: short.steps, others: null });
    const long = stepsOf({ trials: '20' }, [0.5, 0.25]);
    const running = 'sweep-pretrain@trial=1,epochs=1';
    const { steps, others } = notableOfTrials(
      long.plan,
      long.steps.map((step) => (step.id === running ? { ...step, state: 'running' as const } : step)),
    );
    expect(steps.map(({ id }) => id)).toEqual(['data', running, 'sweep', 'evaluate']);
    // The training, the probe and the note of the first trial, and the note of the second.
    expect(others).toBe('and other steps of trials: 4 done, 55 waiting; --json has every one');
  });
});
