import { expect, it } from 'vitest';
import { epochsToTarget } from '../../../evaluation/comparison/epochs-to-target.ts';

const points = [
  { epoch: 10, seconds: 1, loss: 3, probe: 0.5, knn: 0.8 },
  { epoch: 20, seconds: 2, loss: 2, probe: 0.7, knn: 0.6 },
  { epoch: 30, seconds: 3, loss: 1, probe: 0.6, knn: 0.9 },
];

it('is the first measured epoch at which the accuracy is reached, whatever comes after', () => {
  expect(epochsToTarget({ points }, 0.7)).toBe(20);
  expect(epochsToTarget({ points }, 0.1)).toBe(10);
  expect(epochsToTarget({ points }, 0.85, 'knn')).toBe(30);
});

it('is null where it never is', () => {
  expect(epochsToTarget({ points }, 0.71)).toBeNull();
  expect(epochsToTarget({ points: [] }, 0)).toBeNull();
});
