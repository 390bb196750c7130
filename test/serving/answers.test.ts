/** What is said of a photo: the class by calibrated confidence, and unknown only where a threshold tells. */
import { describe, expect, it } from 'vitest';
import type { Calibration } from '../../contracts/calibration.ts';
import { answerOf } from '../../serving/answers.ts';

const classes = ['coat', 'dress', 'shirt'];
const logits = Float32Array.of(1, 4, 2);
const calibration: Calibration = {
  images: 100,
  temperature: 2,
  negativeLogLikelihood: { before: 0.5, after: 0.4 },
  expectedCalibrationError: { before: 0.1, after: 0.02 },
  unknown: {
    refusals: 0.05,
    similarity: { threshold: 0.7, refused: 0.06 },
    logit: { threshold: 3.5, refused: 0.04 },
  },
};
const evidence = { logits, classes, neighbours: null, calibration };

describe('an answer', () => {
  it('has the softmax of the logits divided by the temperature', () => {
    const weights = [0.5, 2, 1].map(Math.exp);
    const sum = weights.reduce((a, b) => a + b, 0);
    const answer = answerOf(evidence, 2);
    expect(answer).toMatchObject({ label: 'dress', calibrated: true });
    expect(answer?.confidence).toBeCloseTo((weights[1] ?? 0) / sum, 12);
    expect(answer?.others.map(({ label }) => label)).toEqual(['shirt', 'coat']);
    expect(answerOf({ ...evidence, calibration: null }, 0)).toMatchObject({ calibrated: false, others: [] });
  });

  it('is not thrown off by logits without bounds', () => {
    const answer = answerOf({ ...evidence, logits: Float32Array.of(-1e30, 1e30, 0) }, 2);
    expect([answer?.label, answer?.confidence]).toEqual(['dress', 1]);
  });

  it.each([
    ['a near neighbour', { neighbours: [{ score: 0.71, label: 'coat' }] }, false],
    ['a far neighbour', { neighbours: [{ score: 0.69, label: 'coat' }] }, true],
    ['a high logit and no index', {}, false],
    ['a low logit and no index', { logits: Float32Array.of(1, 2, 3) }, true],
    ['a low logit and a near neighbour', { logits: Float32Array.of(1, 2, 3), neighbours: [{ score: 0.9 }] }, false],
    ['no evaluation', { calibration: null, neighbours: [{ score: 0.1 }] }, null],
    ['an empty index and no classifier', { logits: null, neighbours: [{ score: 0.9, label: 'coat' }] }, false],
  ])('by %s', (_, given, unknown) => expect(answerOf({ ...evidence, ...given }, 1)?.unknown).toBe(unknown));

  it('is a vote of the neighbours where there is no classifier, of equals the nearer', () => {
    const neighbours = ['shirt', 'coat', 'coat', 'shirt', undefined].map((label, at) => ({
      score: 0.9 - at / 10,
      label,
    }));
    expect(answerOf({ ...evidence, logits: null, neighbours }, 1)).toMatchObject({
      ...{ label: 'shirt', confidence: 0.5, calibrated: false, unknown: false },
      others: [{ label: 'coat', confidence: 0.5 }],
    });
    expect(answerOf({ ...evidence, logits: null, neighbours: [{ score: 1 }] }, 1)).toBeNull();
  });
});
