import { describe, expect, it } from 'vitest';
import type { CorruptionName, Robustness } from '../../../contracts/robustness.ts';
import { corruptionErrors } from '../../../evaluation/comparison/corruption-error.ts';

const robustness = (clean: number, accuracy: Partial<Record<CorruptionName, number[]>>): Robustness => ({
  dataset: 'd',
  testImages: 10,
  seed: 0,
  clean,
  corruptions: Object.entries(accuracy).map(([name, values]) => ({ name: name as CorruptionName, accuracy: values })),
  mean: 0,
});

const reference = robustness(0.9, { jpeg: [0.8, 0.8, 0.6, 0.6, 0.2], shift: [0.9, 0.9, 0.8, 0.8, 0.6] });

describe('the mean corruption error', () => {
  it('is the mean of the summed errors beside those of the reference, by corruption', () => {
    // Errors sum to 1 of 2 and 0.5 of 1; beyond the clean error of 0.05 to 0.75 of 1.5 and 0.25 of 0.5.
    const better = robustness(0.95, { jpeg: [0.9, 0.9, 0.8, 0.8, 0.6], shift: [0.95, 0.95, 0.9, 0.9, 0.8] });
    const { corruption, notes } = corruptionErrors([better], [reference]);
    expect(corruption?.a.mCE).toBeCloseTo((1 / 2 + 0.5 / 1) / 2, 12);
    expect(corruption?.a.relative).toBeCloseTo((0.75 / 1.5 + 0.25 / 0.5) / 2, 12);
    expect(corruption?.b).toEqual({ mCE: 1, relative: 1 });
    expect(notes).toEqual([]);
  });

  it('is a mean of ratios over the pairs, not a ratio of means', () => {
    const halves = robustness(0.9, { jpeg: [0.5, 0.5, 0.5, 0.5, 0.5] });
    const tenths = robustness(0.9, { jpeg: [0.9, 0.9, 0.9, 0.9, 0.9] });
    const { corruption } = corruptionErrors([halves, tenths], [tenths, tenths]);
    expect(corruption?.a.mCE).toBeCloseTo((5 + 1) / 2, 12);
  });

  it('leaves out what it cannot divide by, and says so', () => {
    const perfect = robustness(0.9, { jpeg: [1, 1, 1, 1, 1], shift: [0.9, 0.9, 0.8, 0.8, 0.6] });
    const { corruption, notes } = corruptionErrors([reference], [perfect]);
    expect(corruption?.a.mCE).toBeCloseTo(1, 12);
    expect(corruption?.a.relative).toBeCloseTo(1, 12);
    expect(notes).toEqual([
      'The mean corruption error leaves out jpeg: the reference made no error there.',
      'The relative corruption error leaves out jpeg: the reference lost nothing there.',
    ]);
    const allPerfect = robustness(1, { jpeg: [1, 1, 1, 1, 1] });
    expect(corruptionErrors([allPerfect], [allPerfect]).corruption).toBeNull();
  });

  it('has no relative one where the reference loses nothing to any corruption', () => {
    const steady = robustness(0.5, { jpeg: [0.5, 0.5, 0.5, 0.5, 0.5] });
    expect(corruptionErrors([steady], [steady]).corruption).toEqual({
      a: { mCE: 1, relative: null },
      b: { mCE: 1, relative: null },
    });
  });
});
