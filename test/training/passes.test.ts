import { describe, expect, it } from 'vitest';
import { batchPlan } from '../../datasets/index.ts';
import { describePasses, passesOf } from '../../training/passes.ts';

describe('how often an epoch goes through the images', () => {
  const epoch = (count: number, batch: number, minimumSteps?: number) => {
    const { size, steps } = batchPlan({ count, batch, seed: 0, epoch: 1, minimumSteps });
    return { count, batch: size, stepsPerEpoch: steps };
  };

  it('is said where `minimumSteps` made it longer than the images do', () => {
    expect(passesOf(epoch(1000, 100, 50))).toEqual({ passes: 5 });
    expect(passesOf(epoch(30, 100, 50))).toEqual({ passes: 50 });
    expect(describePasses(epoch(320, 40, 50))).toBe(
      'minimumSteps: an epoch has 50 steps of 40 images, 6.3 times the 320 training images',
    );
  });

  it('is not said of epochs as long as the images make them', () => {
    for (const each of [epoch(1000, 100), epoch(1000, 100, 10), epoch(30, 100), epoch(1099, 100, 5)]) {
      expect(passesOf(each)).toEqual({});
      expect(describePasses(each)).toBeNull();
    }
  });
});
