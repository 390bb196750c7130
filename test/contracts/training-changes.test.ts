import { describe, expect, it } from 'vitest';
import { classifierConfigSchema, trainingConfigSchema } from '../../contracts/training.ts';
import {
  changeRule,
  changeRules,
  differencesOf,
  effectiveParameters,
  segmentsOf,
  type TrainingChange,
} from '../../contracts/training-changes.ts';

const change = (
  after: number,
  path: string,
  from: TrainingChange['from'],
  to: TrainingChange['to'],
): TrainingChange => ({
  after,
  path,
  from,
  to,
  by: 'set',
  why: 'a test',
});

describe('the table of changes', () => {
  it('has a row for every parameter of a training', () => {
    const names = [...Object.keys(trainingConfigSchema.shape), ...Object.keys(classifierConfigSchema.shape)];
    expect(names.filter((name) => !Object.hasOwn(changeRules, name))).toEqual([]);
  });

  it('lets the length change where the schedule does not look at it', () => {
    expect(changeRule('epochs', { schedule: { name: 'constant' } }).rule).toBe('end');
    expect(changeRule('epochs', { schedule: { name: 'cosine' } })).toEqual({
      rule: 'next',
      reason: 'the learning rates of the cosine schedule follow from the number of epochs',
    });
  });

  it('allows nothing that it does not know', () => expect(changeRule('novelty.factor', {}).rule).toBe('never'));
});

it('names differences by path, the absent ones as null', () => {
  expect(differencesOf({ a: { b: 1, c: [1] }, d: 2 }, { a: { b: 2, c: [1] }, e: 3 })).toEqual([
    { path: 'a.b', from: 1, to: 2 },
    { path: 'd', from: 2, to: null },
    { path: 'e', from: null, to: 3 },
  ]);
});

describe('changes while a training runs', () => {
  it('hold for a plan that says what it said, and not for one that says something else by now', () => {
    const changes = [change(3, 'epochs', 10, 80), change(5, 'epochs', 80, 60)];
    expect(effectiveParameters({ epochs: 10 }, changes)).toEqual({ epochs: 60 });
    expect(effectiveParameters({ epochs: 20 }, changes)).toEqual({ epochs: 20 });
  });

  it('leave to each epoch the config that it was trained with', () => {
    const now = { dataset: 'f'.repeat(64), optimizer: { name: 'sgd', momentum: 0.9 }, epochs: 80 };
    const changes = [
      change(2, 'epochs', 10, 80),
      change(4, 'optimizer.name', 'adam', 'sgd'),
      change(4, 'optimizer.beta1', 0.9, null),
      change(4, 'optimizer.momentum', null, 0.9),
    ];
    expect(segmentsOf(now, changes).map(({ through, config }) => [through, config])).toEqual([
      [2, { optimizer: { name: 'adam', beta1: 0.9 }, epochs: 10 }],
      [4, { optimizer: { name: 'adam', beta1: 0.9 }, epochs: 80 }],
    ]);
  });
});
