/** What is said of a photo: the class by calibrated confidence, and unknown only where a threshold tells. */
import { describe, expect, it } from 'vitest';
import type { Calibration } from '../../contracts/calibration.ts';
import { answerOf, voters } from '../../serving/answers.ts';

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

  describe('where the index has a product of a class that the classifier was not trained on', () => {
    const hat = { score: 0.98, label: 'hat', name: 'hats/7.jpg' };

    it('is unknown for a photo like that product, and says what it is like', () => {
      expect(answerOf({ ...evidence, neighbours: [hat, { score: 0.97, label: 'coat' }] }, 0)).toMatchObject({
        ...{ label: 'dress', unknown: true, alike: 'hat' },
        because:
          'the most similar known image, hats/7.jpg, has a similarity of 0.980 and is of hat, which the classifier was not trained on',
      });
    });

    it('is so without a threshold, too', () => {
      expect(answerOf({ ...evidence, calibration: null, neighbours: [hat] }, 0)).toMatchObject({
        ...{ unknown: true, alike: 'hat', calibrated: false },
      });
    });

    it('is unknown for a photo unlike all products, which is no hat either', () => {
      expect(answerOf({ ...evidence, neighbours: [{ ...hat, score: 0.2 }] }, 0)).toMatchObject({
        ...{ unknown: true, alike: null, because: expect.stringContaining('below the threshold') },
      });
    });

    it('is known for a photo that is more like a product of a trained class', () => {
      expect(answerOf({ ...evidence, neighbours: [{ score: 0.99, label: 'dress' }, hat] }, 0)).toMatchObject({
        ...{ label: 'dress', unknown: false, alike: null },
      });
    });

    it('is that class, known, where there is no classifier', () => {
      expect(answerOf({ ...evidence, logits: null, classes: [], neighbours: [hat] }, 0)).toMatchObject({
        ...{ label: 'hat', unknown: false, alike: null },
      });
    });
  });

  it('is a vote of the nearest alone, however many are shown', () => {
    const near = Array.from({ length: voters }, () => ({ score: 0.9, label: 'shirt' }));
    const far = Array.from({ length: 80 }, () => ({ score: 0.8, label: 'coat' }));
    expect(answerOf({ ...evidence, logits: null, neighbours: [...near, ...far] }, 1)).toMatchObject({
      ...{ label: 'shirt', confidence: 1 },
    });
  });

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
