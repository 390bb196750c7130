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
const evidence = { logits, classes, neighbours: [], known: 0.71, calibration };

const coat = { score: 0.99, label: 'coat' };

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
    ['a near training image', {}, false],
    ['a far training image', { known: 0.69 }, true],
    ['a near training image, whatever the logits', { logits: Float32Array.of(1, 2, 3) }, false],
    ['a near training image, far from an index of seven', { neighbours: [{ score: 0.2, label: 'coat' }] }, false],
    ['a far training image, near an unlabelled product', { known: 0.69, neighbours: [{ score: 0.99 }] }, true],
    ['a far training image, near a product of a trained class', { known: 0.69, neighbours: [coat] }, true],
    ['a high logit where no training images are kept', { known: null }, false],
    ['a low logit where no training images are kept', { known: null, logits: Float32Array.of(1, 2, 3) }, true],
    ['a low logit, near an index', { known: null, logits: Float32Array.of(1, 2, 3), neighbours: [coat] }, true],
    ['no evaluation', { calibration: null, known: null, neighbours: [coat] }, null],
    ['no classifier', { logits: null, neighbours: [coat] }, false],
  ])('by %s', (_, given, unknown) => expect(answerOf({ ...evidence, ...given }, 1)?.unknown).toBe(unknown));

  describe('where the index has a product of a class that the classifier was not trained on', () => {
    const hat = { score: 0.98, label: 'hat', name: 'hats/7.jpg' };

    it('is unknown for a photo like that product, and says what it is like', () => {
      expect(answerOf({ ...evidence, neighbours: [hat, { score: 0.97, label: 'coat' }] }, 0)).toMatchObject({
        ...{ label: 'dress', unknown: true, alike: 'hat' },
        because:
          'the most similar image of the index that has a label, hats/7.jpg, has a similarity of 0.980 and is of hat, which the classifier was not trained on',
      });
    });

    it('is so without a threshold, too', () => {
      expect(answerOf({ ...evidence, calibration: null, known: null, neighbours: [hat] }, 0)).toMatchObject({
        ...{ unknown: true, alike: 'hat', calibrated: false },
      });
    });

    it('is unknown for a photo unlike all products, which is no hat either', () => {
      expect(answerOf({ ...evidence, known: 0.1, neighbours: [{ ...hat, score: 0.2 }] }, 0)).toMatchObject({
        ...{ unknown: true, alike: null, because: expect.stringContaining('below the threshold') },
      });
    });

    it('is known for a photo that is more like a product of a trained class', () => {
      expect(answerOf({ ...evidence, neighbours: [{ score: 0.99, label: 'dress' }, hat] }, 0)).toMatchObject({
        ...{ label: 'dress', unknown: false, alike: null },
      });
    });

    it('is known for a photo that is more like a training image, however few other products there are', () => {
      for (const known of [0.98, 0.985])
        expect(answerOf({ ...evidence, known, neighbours: [hat] }, 0)).toMatchObject({
          ...{ label: 'dress', unknown: false, alike: null },
        });
    });

    it('is unknown for a photo like that product among products without a label', () => {
      expect(answerOf({ ...evidence, neighbours: [{ score: 0.99 }, { score: 0.985 }, hat] }, 0)).toMatchObject({
        ...{ unknown: true, alike: 'hat' },
      });
    });

    it('is that class, known, where there is no classifier', () => {
      expect(answerOf({ ...evidence, logits: null, classes: [], neighbours: [hat] }, 0)).toMatchObject({
        ...{ label: 'hat', unknown: false, alike: null },
      });
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
