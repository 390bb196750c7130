import { expect, it } from 'vitest';
import { readPoint } from '../../cli/commands/fork.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { planOf } from '../pipelines/plan.ts';
import { swept, usual } from '../pipelines/swept.ts';

const { plan } = expandPlan(
  planOf(
    swept(
      { halving: '{ from: 1 }' },
      usual,
      '  own: { uses: pretrain, needs: [data], matrix: { seed: [1, 2] }, with: { seed: "${matrix.seed}" } }',
    ),
  ),
  {},
);

it('a fork begins at a training, of a matrix too, and at one of its epochs', () => {
  expect(readPoint(plan, 'own@seed=1')).toEqual({ step: 'own@seed=1', epoch: null });
  expect(readPoint(plan, 'own@seed=2@7')).toEqual({ step: 'own@seed=2', epoch: 7 });
  expect(() => readPoint(plan, 'sweep')).toThrow('--from sweep names no training; give own@seed=1 or own@seed=2, with');
});

it('a fork cannot begin at a trial, and says what can be done instead', () => {
  for (const from of [
    'sweep-pretrain',
    'sweep-pretrain@trial=0,epochs=1',
    'sweep-pretrain@trial=0,epochs=1@1',
    'sweep-probe@trial=9',
  ])
    expect(() => readPoint(plan, from)).toThrow(
      `--from ${from} names a step of the trials of sweep, whose parameters the search decides, so a fork would train the same again.`,
    );
});
