import { describe, expect, it } from 'vitest';
import { confidenceThresholds, confidentJoint } from '../../../evaluation/inspection/confident-learning.ts';

/** Six images of three classes, worked out by hand. */
const labels = Int32Array.of(0, 0, 1, 1, 2, 2);
const probabilities = Float32Array.from(
  [
    [0.9, 0.05, 0.05],
    // Labelled 0, and like class 1.
    [0.1, 0.8, 0.1],
    [0.2, 0.7, 0.1],
    // Labelled 1, its likeliest class, and below every threshold.
    [0.35, 0.4, 0.25],
    [0.3, 0.1, 0.6],
    // Labelled 2, and above the thresholds of 0 and of 1: the likelier of the two is suggested.
    [0.55, 0.45, 0],
  ].flat(),
);
const own = Float64Array.from(labels, (label, image) => probabilities[3 * image + label] as number);

describe('confident learning', () => {
  it('takes the mean self-confidence of a class as its threshold', () => {
    const thresholds = confidenceThresholds(labels, own, 3);
    expect([...thresholds].map((each) => Number(each.toFixed(6)))).toEqual([0.5, 0.55, 0.3]);
    expect(confidenceThresholds(Int32Array.of(1), [0.4], 2)[0]).toBeNaN();
  });

  it('counts each image once, at the likeliest class whose threshold it reaches, or nowhere', () => {
    const builder = confidentJoint(Float64Array.of(0.5, 0.45, 0.3));
    builder.add(probabilities, labels, Int32Array.from(labels.keys()));
    const { joint, suspects } = builder.result();
    // (0, 0), (0, 1), (1, 1), (2, 2) and (2, 0); image 3 reaches no threshold.
    expect(new Map([...joint].map(([key, images]) => [`${Math.floor(key / 3)} ${key % 3}`, images]))).toEqual(
      new Map([
        ['0 0', 1],
        ['0 1', 1],
        ['1 1', 1],
        ['2 2', 1],
        ['2 0', 1],
      ]),
    );
    expect(suspects.map(({ image, suggested }) => [image, suggested])).toEqual([
      [1, 1],
      [5, 0],
    ]);
  });

  it('ranks by the probability of the label less the highest of another', () => {
    const builder = confidentJoint(Float64Array.of(0.5, 0.45, 0.3));
    builder.add(probabilities.slice(15), labels.subarray(5), Int32Array.of(5));
    builder.add(probabilities.slice(3, 6), labels.subarray(1, 2), Int32Array.of(1));
    const margins = builder.result().suspects.map(({ image, margin }) => [image, Number(margin.toFixed(6))]);
    expect(margins).toEqual([
      [1, -0.7],
      [5, -0.55],
    ]);
  });

  it('does not suspect an image whose label is its likeliest class, even where another class is confident', () => {
    const builder = confidentJoint(Float64Array.of(0.8, 0.3));
    builder.add(Float32Array.of(0.6, 0.4), Int32Array.of(0), Int32Array.of(0));
    const { joint, suspects } = builder.result();
    expect([...joint]).toEqual([[1, 1]]);
    expect(suspects).toEqual([]);
  });

  it('keeps only what occurs, whatever the number of classes', () => {
    const classes = 20_000;
    const builder = confidentJoint(new Float64Array(classes).fill(0.5));
    const row = new Float32Array(classes);
    row[7] = 0.9;
    builder.add(row, Int32Array.of(19_999), Int32Array.of(3));
    const { joint, suspects } = builder.result();
    expect([...joint]).toEqual([[19_999 * classes + 7, 1]]);
    expect(suspects[0]).toMatchObject({ image: 3, suggested: 7, ownConfidence: 0 });
  });
});
