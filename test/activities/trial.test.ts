import { expect, it } from 'vitest';
import { measured } from '../../activities/trial.ts';
import { trialParameters } from '../../contracts/kinds/trial.ts';

const valuesOf = (...values: unknown[]) =>
  trialParameters.parse({ sweep: 'sweep', trial: 0, rung: 0, values, steps: [] }).values;

it('the value of a trial is the mean of its replicates', () =>
  expect(measured(valuesOf(1, 2, 6), [])).toEqual({ value: 3, values: [1, 2, 6] }));

it('a trial with a lost replicate is lost, and says what its step failed with', () => {
  const problem = 'sweep-pretrain@trial=0,seed=1: the loss is not finite';
  expect(measured(valuesOf(1, null), [problem])).toEqual({ value: null, values: [1, null], lost: problem });
});

it('a trial whose objective is no number is lost, and says what it is', () => {
  expect(measured(valuesOf(null), []).lost).toBe('its objective was not measured: the result of its step has none');
  expect(measured(valuesOf(0.5, 'good'), [])).toEqual({
    value: null,
    values: [0.5, null],
    lost: 'its objective must be a number, not "good"',
  });
  expect(measured(valuesOf([1]), []).lost).toBe('its objective must be a number, not [1]');
});
