import { describe, expect, it } from 'vitest';
import { roundDraws } from '../../../training/augmentation/draws.ts';
import { composed, transformsOf } from '../../../training/augmentation/geometry.ts';
import {
  movedBy,
  type PolicyOperation,
  policyOperations,
  policyRounds,
  type Round,
  randAugmentSpace,
  recolouredBy,
  roundOf,
  trivialAugmentSpace,
} from '../../../training/augmentation/policies.ts';
import { projectiveTransform } from '../../../training/ops.ts';
import { type Tensor2D, type Tensor4D, tf } from '../../../training/tensorflow.ts';
import { drawsFor, expectLevels, imageOf, only, scatteredImages } from './given.ts';

const column = (value: number) => tf.tensor2d([[value]]) as Tensor2D;
/** A round in which each image draws one operation. */
const roundWith = (
  operation: PolicyOperation,
  magnitude: number,
  sign: 1 | -1 = 1,
  space = randAugmentSpace,
): Round => {
  const index = (policyOperations.indexOf(operation) + 0.5) / policyOperations.length;
  return roundOf(
    { operation: column(index), magnitude: column(0), sign: column(sign === 1 ? 0 : 0.9) },
    space,
    magnitude,
  );
};
const moved = (images: Tensor4D, round: Round) => {
  const size = { height: images.shape[1], width: images.shape[2] };
  return projectiveTransform(images, transformsOf(movedBy(round, size), size, size), size);
};

const pixels = [
  [10, 20, 30],
  [200, 100, 0],
  [90, 90, 90],
  [255, 0, 128],
  [40, 250, 60],
  [0, 0, 0],
  [255, 255, 255],
  [1, 2, 3],
  [128, 64, 32],
];
const image = imageOf(
  [0, 3, 6].map((at) => pixels.slice(at, at + 3).flat()),
  3,
);
const luma = ([red = 0, green = 0, blue = 0]: readonly number[]) => 0.299 * red + 0.587 * green + 0.114 * blue;
const cut = (level: number) => Math.min(255, Math.max(0, level));

describe('an operation that changes values', () => {
  // Magnitude 10 of 30: a factor of 1 + 0.9 / 3.
  const factor = (sign: 1 | -1) => 1 + 0.3 * sign;
  const meanLuma = pixels.reduce((sum, pixel) => sum + luma(pixel), 0) / pixels.length;
  const references: Partial<Record<PolicyOperation, (sign: 1 | -1) => number[][]>> = {
    identity: () => pixels,
    brightness: (sign) => pixels.map((pixel) => pixel.map((level) => cut(level * factor(sign)))),
    contrast: (sign) => pixels.map((pixel) => pixel.map((level) => cut(meanLuma + (level - meanLuma) * factor(sign)))),
    saturation: (sign) =>
      pixels.map((pixel) => pixel.map((level) => cut(luma(pixel) + (level - luma(pixel)) * factor(sign)))),
    sharpness: (sign) =>
      pixels.map((pixel, at) =>
        pixel.map((level, channel) => {
          // Only the pixel in the middle has eight neighbours.
          if (at !== 4) return level;
          const smooth = (pixels.reduce((sum, other) => sum + (other[channel] ?? 0), 0) + 4 * level) / 13;
          return cut(smooth + (level - smooth) * factor(sign));
        }),
      ),
    posterize: () => pixels.map((pixel) => pixel.map((level) => level & 0b1111_1110)),
    solarize: () => pixels.map((pixel) => pixel.map((level) => (level >= (2 / 3) * 256 ? 255 - level : level))),
    autoContrast: () =>
      pixels.map((pixel) =>
        pixel.map((level, channel) => {
          const all = pixels.map((other) => other[channel] ?? 0);
          return ((level - Math.min(...all)) * 255) / (Math.max(...all) - Math.min(...all));
        }),
      ),
  };
  for (const [name, reference] of Object.entries(references))
    it(`does what its reference does, either way (${name})`, () => {
      for (const sign of [1, -1] as const)
        expectLevels(recolouredBy(roundWith(name as PolicyOperation, 10, sign), image), reference(sign).flat(), 0.02);
    });

  it('changes nothing at magnitude 0, bit by bit, unless it has no magnitude', () => {
    const images = tf.div(tf.floor(tf.mul(scatteredImages(1, 20), 127)), 255) as Tensor4D;
    for (const name of policyOperations) {
      const recoloured = recolouredBy(roundWith(name, 0), images).dataSync();
      if (name === 'autoContrast' || name === 'equalize') expect(recoloured).not.toEqual(images.dataSync());
      else expect(recoloured, name).toEqual(images.dataSync());
    }
  });

  it('works on grey images too', () => {
    const grey = imageOf([[0, 100, 200]]);
    expectLevels(recolouredBy(roundWith('saturation', 30), grey), [0, 100, 200], 0.02);
    expectLevels(recolouredBy(roundWith('brightness', 10), grey), [0, 130, 255], 0.02);
  });
});

describe('an operation that moves pixels', () => {
  const side = 12;
  const images = scatteredImages(1, side);
  const at = (from: Tensor4D, y: number, x: number) => [...tf.slice(from, [0, y, x, 0], [1, 1, 1, 3]).dataSync()];

  it('shifts by a share of the side', () => {
    // 150/331 of 12 pixels at magnitude 30.
    const space = { ...randAugmentSpace, shift: 3 / side };
    const [right, down] = (['translateX', 'translateY'] as const).map((name) =>
      moved(images, roundWith(name, 30, 1, space)),
    );
    for (let place = 0; place < side - 3; place++) {
      at(right as Tensor4D, 5, place).forEach(
        (v, c) => void expect(v).toBeCloseTo(at(images, 5, place + 3)[c] ?? 9, 4),
      );
      at(down as Tensor4D, place, 5).forEach((v, c) => void expect(v).toBeCloseTo(at(images, place + 3, 5)[c] ?? 9, 4));
    }
  });

  it('turns about the centre', () => {
    const quarter = moved(images, roundWith('rotate', 30, 1, { ...trivialAugmentSpace, angle: Math.PI / 2 }));
    const expected = tf.reverse(tf.transpose(images, [0, 2, 1, 3]), 1);
    const difference = tf.max(tf.abs(tf.sub(quarter, expected))).dataSync()[0];
    expect(difference).toBeLessThan(1e-4);
  });

  it('shears lines by their distance from the centre', () => {
    // A line moves by one pixel for each that it is away from the middle, between the fifth and the sixth.
    const space = { ...randAugmentSpace, shear: 1 };
    const sheared = moved(images, roundWith('shearX', 30, 1, space));
    const expected = [at(images, 7, 4), at(images, 7, 5)].map((v) => v[0] ?? 9);
    expect(at(sheared, 7, 3)[0]).toBeCloseTo(((expected[0] ?? 9) + (expected[1] ?? 9)) / 2, 4);
    const upright = moved(images, roundWith('shearY', 30, 1, space));
    const beside = [at(images, 4, 7), at(images, 5, 7)].map((v) => v[0] ?? 9);
    expect(at(upright, 3, 7)[0]).toBeCloseTo(((beside[0] ?? 9) + (beside[1] ?? 9)) / 2, 4);
  });

  it('changes nothing at magnitude 0', () => {
    for (const name of policyOperations)
      expect(tf.max(tf.abs(tf.sub(moved(images, roundWith(name, 0)), images))).dataSync()[0], name).toBeLessThan(1e-6);
  });

  it('of two rounds is one resampling of the same as two', () => {
    const slope = tf.tile(tf.reshape(tf.div(tf.range(0, side), side), [1, 1, side, 1]), [1, side, 1, 1]) as Tensor4D;
    const size = { height: side, width: side };
    const rounds = [roundWith('shearX', 20), roundWith('translateX', 5), roundWith('rotate', 9)];
    const one = rounds.map((round) => movedBy(round, size)).reduce(composed);
    const atOnce = projectiveTransform(slope, transformsOf(one, size, size), size);
    const oneByOne = rounds.reduce((view, round) => moved(view, round), slope);
    const inner = (view: Tensor4D) => tf.slice(view, [0, 4, 4, 0], [1, 4, 4, 1]);
    expect(tf.max(tf.abs(tf.sub(inner(atOnce), inner(oneByOne)))).dataSync()[0]).toBeLessThan(1e-4);
    expect(tf.max(tf.abs(tf.sub(inner(atOnce), inner(slope)))).dataSync()[0]).toBeGreaterThan(0.05);
  });
});

describe('a policy', () => {
  const rows = 7000;
  const shares = (round: Round) => policyOperations.map((name) => tf.mean(round.drew(name)).dataSync()[0] ?? 0);

  it('draws each of its fourteen operations as often as any other', () => {
    const config = only({ trivialAugment: true });
    const [round] = policyRounds(drawsFor(rows, config), config) as [Round];
    for (const share of shares(round)) expect(Math.abs(share - 1 / 14)).toBeLessThan(0.015);
    expect(shares(round).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  });

  it('of RandAugment draws so many operations an image, all of one magnitude, to either side', () => {
    const config = only({ randAugment: { operations: 3, magnitude: 12 } });
    const rounds = policyRounds(drawsFor(rows, config), config);
    expect(rounds).toHaveLength(3);
    for (const { strength, signed } of rounds) {
      expect(new Set(strength.dataSync())).toEqual(new Set([Math.fround(0.4)]));
      expect(Math.abs(tf.mean(signed).dataSync()[0] ?? 1)).toBeLessThan(0.02);
    }
    const [first, second] = rounds as [Round, Round];
    const both = tf.mean(tf.mul(first.drew('rotate'), second.drew('rotate'))).dataSync()[0] ?? 1;
    expect(Math.abs(both - 1 / 14 ** 2)).toBeLessThan(0.004);
  });

  it('of TrivialAugment draws magnitudes from 0 to 30', () => {
    const config = only({ trivialAugment: true });
    const [round] = policyRounds(drawsFor(rows, config), config) as [Round];
    const magnitudes = [...round.strength.dataSync()].map((strength) => Math.round(strength * 30));
    expect([...new Set(magnitudes)].sort((a, b) => a - b)).toEqual(Array.from({ length: 31 }, (_, at) => at));
  });

  it('draws nothing where it is switched off', () => {
    const draws = drawsFor(4, only({ trivialAugment: false }));
    expect(roundDraws(draws, 'trivialAugment')).toEqual([]);
    expect(Object.keys(draws)).toEqual(['always']);
  });
});
