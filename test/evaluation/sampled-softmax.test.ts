import { describe, expect, it } from 'vitest';
import { randomDraws } from '../../datasets/index.ts';
import type { LabelledFeatures } from '../../evaluation/linear-classifier.ts';
import { fitSampledSoftmax } from '../../evaluation/sampled-softmax.ts';
import { classifierAccuracy, classifierAnswers, fitSoftmaxClassifier } from '../../evaluation/softmax-classifier.ts';
import { tf } from '../../training/index.ts';

const dimension = 16;

/** Points around a centre of their own for each class. */
function clusters(classes: number, each: number, noise: number): LabelledFeatures {
  const count = classes * each;
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const at = (purpose: string, key: number) => randomDraws(0, purpose, key);
  const features = new Float32Array(count * dimension);
  for (let row = 0; row < count; row++) {
    const [centre, own] = [at('centre', labels[row] as number), at('noise', row)];
    for (let column = 0; column < dimension; column++)
      features[row * dimension + column] = centre(column) / 2 ** 31 - 1 + noise * (own(column) / 2 ** 31 - 1);
  }
  return { features, labels, count, dimension };
}

const options = { epochs: 12, batch: 32, learningRate: 0.05, weightDecay: 0, seed: 3, onEpoch: async () => {} };

describe('sampled softmax', () => {
  it('is the whole softmax where a batch is compared with every class', async () => {
    const data = clusters(40, 6, 0.3);
    const whole = await fitSoftmaxClassifier(data, { ...options, classes: 40, weightDecay: 0.01 });
    const sampled = await fitSampledSoftmax(data, { ...options, classes: 40, weightDecay: 0.01, compared: 40 });
    expect(sampled.loss).toBeCloseTo(whole.loss, 4);
    const furthest = (a: Float32Array, b: Float32Array) =>
      a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] as number))), 0);
    expect(furthest(sampled.kernel, whole.kernel)).toBeLessThan(2e-3);
    expect(furthest(sampled.bias, whole.bias)).toBeLessThan(2e-3);
  });

  it('finds the classes of images that it has not seen nearly as well from an eighth of the classes', async () => {
    const data = clusters(400, 6, 0.8);
    const half = data.count / 2;
    const part = (from: number): LabelledFeatures => ({
      dimension,
      count: half,
      features: data.features.subarray(from * dimension, (from + half) * dimension),
      labels: data.labels.subarray(from, from + half),
    });
    const [train, test] = [part(0), part(half)];
    const whole = await fitSoftmaxClassifier(train, { ...options, classes: 400 });
    const sampled = await fitSampledSoftmax(train, { ...options, classes: 400, compared: 50 });
    const [ofWhole, ofSampled] = [classifierAccuracy(whole, test) ?? 0, classifierAccuracy(sampled, test) ?? 0];
    expect(ofWhole).toBeGreaterThan(0.5);
    expect(ofSampled).toBeGreaterThan(ofWhole - 0.03);
  });

  it('estimates the loss over all classes, not over those that were compared', async () => {
    const still = { ...options, learningRate: 1e-12, epochs: 1, compared: 50 };
    const { loss } = await fitSampledSoftmax(clusters(400, 2, 0.3), { ...still, classes: 400 });
    expect(loss).toBeCloseTo(Math.log(400), 5);
  });

  it('tells of every step, and of every epoch, so that a job may be stopped', async () => {
    const told: string[] = [];
    const tell = (what: string) => async () => void told.push(what);
    const some = { ...options, epochs: 2, classes: 20, compared: 5, onStep: tell('step'), onEpoch: tell('epoch') };
    await fitSampledSoftmax(clusters(20, 3, 0.3), some);
    expect(told.join(' ')).toBe('step step epoch step step epoch');
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const data = clusters(60, 2, 0.3);
    const weights = (seed: number) =>
      fitSampledSoftmax(data, { ...options, epochs: 2, classes: 60, compared: 10, seed });
    const [first, again, other] = [await weights(1), await weights(1), await weights(2)];
    expect(again.kernel).toEqual(first.kernel);
    expect(other.kernel).not.toEqual(first.kernel);
  });

  it('is how a probe of more than 4,096 classes is fitted: no step works on more than the batch and what it is compared with', async () => {
    const classes = 9000;
    const data = { ...clusters(100, 1, 0.3), labels: Int32Array.from({ length: 100 }, (_, row) => row * 90) };
    const { kernels } = await tf.profile(async () => {
      const { kernel } = await fitSoftmaxClassifier(data, { ...options, batch: 32, epochs: 1, classes });
      expect(kernel).toHaveLength(dimension * classes);
      return tf.scalar(0);
    });
    const values = kernels.flatMap(({ outputShapes }) =>
      outputShapes.map((shape) => (shape as number[]).reduce((a, b) => a * b, 1)),
    );
    expect(values.length).toBeGreaterThan(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(32 * (4096 + 32));
  });
});

it('classifying many classes some rows at a time gives what all at once gives', () => {
  const classes = 50_000;
  const kernel = Float32Array.from({ length: dimension * classes }, (_, at) => Math.sin(at));
  const classifier = { kernel, bias: new Float32Array(classes) };
  const data = clusters(200, 1, 0.3);
  const { predicted, rank } = classifierAnswers(classifier, data);
  for (const row of [0, 79, 80, 199]) {
    const one = {
      ...data,
      count: 1,
      features: data.features.subarray(row * dimension, (row + 1) * dimension),
      labels: data.labels.subarray(row, row + 1),
    };
    const alone = classifierAnswers(classifier, one);
    expect([alone.predicted[0], alone.rank[0]]).toEqual([predicted[row], rank[row]]);
  }
});
