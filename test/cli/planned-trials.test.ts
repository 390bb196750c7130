import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import type { StepOutlook } from '../../cli/outlook/outlook.ts';
import { secondsOfTrials, sweepsText, withTrialsTogether } from '../../cli/outlook/trials.ts';
import type { Plan } from '../../contracts/plan.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { planOf } from '../pipelines/plan.ts';
import { swept } from '../pipelines/swept.ts';

const begun = (more: Record<string, string>) => expandPlan(planOf(swept(more)), {}).plan;
/** A minute a training, ten seconds a probe, and those of the first trial are there already. */
const outlooks = ({ steps }: Plan): StepOutlook[] =>
  steps.map(({ id, uses, needs }) => ({
    step: id,
    uses,
    decision: id.includes('trial=0') && uses !== 'trial' ? 'reuse' : 'run',
    reason: `after ${needs.join(', ')}`,
    seconds: uses === 'pretrain' ? 60 : uses === 'linear-probe' ? 10 : 0,
  }));

it('a plan shows the steps of all trials as one, and not what writes down what they came to', () => {
  const plan = begun({ seeds: '2', halving: '{ from: 1, factor: 3 }' });
  const shown = withTrialsTogether(plan, outlooks(plan));
  expect(shown.map(({ step, decisions, reason }) => [step, decisions.join(), reason])).toEqual([
    ['data', 'run', 'after '],
    ['sweep-pretrain', 'reuse,run', '12 times at first, 2 of them reused; after data'],
    ['sweep-probe', 'reuse,run', '12 times at first, 2 of them reused; after data, sweep-pretrain'],
    ['sweep', 'run', 'after its trials'],
    ['evaluate', 'run', 'after sweep'],
  ]);
});

it('it says what is tried, how far, and what that costs', () => {
  const plan = begun({ seeds: '2', halving: '{ from: 1, factor: 3 }' });
  const text = stripVTControlCharacters(sweepsText(plan));
  expect(text).toContain(
    'sweep tries 6 settings (random), each with 2 seeds: 6 trials of 1 epoch, 2 to 3, 1 to 9; 32 epochs in all.',
  );
  const [, first] = plan.steps;
  expect(text).toMatch(
    new RegExp(`^ +0 +${first?.matrix?.values.learningRate} +${first?.matrix?.values.temperature}`, 'm'),
  );
  // 12 trainings of a minute, 4 of two, 2 of six, and a probe after each.
  const { sweep } = plan.sweeps ?? {};
  expect(sweep && secondsOfTrials(plan, 'sweep', sweep, outlooks(plan))).toBe(60 * (12 + 4 * 2 + 2 * 6) + 10 * 18);
  expect(sweep && secondsOfTrials(plan, 'sweep', sweep, [])).toBeNull();
});

it('it says so where settings are drawn later, or go on as they arrive', () => {
  expect(sweepsText(begun({ search: 'tpe', trials: '12' }))).toContain('8 more, drawn from what these come to');
  const text = sweepsText(begun({ halving: '{ from: 1, mode: asynchronous }', budget: '{ epochs: 40 }' }));
  expect(text).toContain('6 trials of 1 epoch, some to 3, some to 9; at most 40 epochs in all.');
  expect(text).toContain('2 more, as places are free');
});
