import { describe, expect, it } from 'vitest';
import { blurImages } from '../../../training/augmentation/blur.ts';
import { eraseRectangles } from '../../../training/augmentation/erasing.ts';
import { autoContrasted, blended, changeTones, equalized, levelsOf } from '../../../training/augmentation/tones.ts';
import { type Tensor, tf } from '../../../training/tensorflow.ts';
import { chosen, expectLevels, imageOf, roundedLevels, scatteredImages } from './given.ts';

/** Each operation against a plain computation, on images of a few pixels. */
const bits = (tensor: Tensor) => tensor.dataSync();

describe('blur', () => {
  const config = { probability: 0.5, sigma: [0.5, 1.5] as [number, number] };
  /** Sigma 1. */
  const draw = chosen({ blurred: 0.4, sigma: 0.5 });

  it('weighs the neighbours of a pixel by a Gaussian of their distance, those beyond the edge by nothing', () => {
    const rows = [
      [0, 10, 200, 30, 0],
      [90, 0, 0, 60, 255],
      [5, 6, 7, 8, 9],
    ];
    const bell = (distance: number) => Math.exp(-(distance ** 2) / 2);
    const along = (line: readonly number[]) =>
      line.map((_, at) => {
        const weights = line.map((_value, other) => bell(other - at));
        const sum = weights.reduce((a, b) => a + b, 0);
        return line.reduce((total, value, other) => total + (value * (weights[other] ?? 0)) / sum, 0);
      });
    const columns = rows.map(along)[0]?.map((_, x) => along(rows.map(along).map((row) => row[x] ?? 0))) ?? [];
    const expected = rows.flatMap((_, y) => columns.map((column) => column[y] ?? 0));
    expectLevels(blurImages(imageOf(rows), draw, config), expected);
  });

  it('treats channels apart', () => {
    const blurred = blurImages(imageOf([[255, 0, 0, 255, 0, 0]], 3), draw, config);
    expectLevels(blurred, [255, 0, 0, 255, 0, 0]);
  });

  it('leaves the bits of images that are not drawn', () => {
    const images = scatteredImages(2, 9);
    expect(bits(blurImages(images, chosen({ blurred: 0.5, sigma: 1 }), config))).toEqual(bits(images));
  });
});

describe('erasing', () => {
  const config = { probability: 1, area: [0.25, 0.25] as [number, number] };
  const four = [
    [0, 40, 80, 120],
    [0, 40, 80, 120],
    [0, 40, 80, 120],
    [0, 40, 80, 120],
  ];

  it('puts the mean of the image into a rectangle of the share of the area', () => {
    // A ratio of 1: two by two pixels, at the left and the bottom.
    const erased = eraseRectangles(imageOf(four), chosen({ eraseRatio: 0.5, eraseX: 0, eraseY: 0.999 }), config);
    expectLevels(
      erased,
      [
        [0, 40, 80, 120],
        [0, 40, 80, 120],
        [60, 60, 80, 120],
        [60, 60, 80, 120],
      ].flat(),
    );
  });

  it('cuts the sides of a long rectangle to those of the image', () => {
    const long = eraseRectangles(imageOf(four), chosen({ eraseRatio: 0, eraseX: 0.5, eraseY: 0 }), {
      ...config,
      area: [0.5, 0.5],
    });
    // Height sqrt(0.5 * 0.3) of 4 = 1.55, width more than the image's: what has its centre within is erased.
    expectLevels(
      long,
      [
        [60, 60, 60, 60],
        [60, 60, 60, 60],
        [0, 40, 80, 120],
        [0, 40, 80, 120],
      ].flat(),
    );
  });

  it('erases the share of the area, on average', () => {
    const draws = {
      eraseRatio: tf.randomUniform([500, 1], 0, 1, 'float32', 1),
      eraseX: tf.randomUniform([500, 1], 0, 1, 'float32', 2),
    };
    const white = tf.ones([500, 32, 32, 1]);
    const dotted = tf.sub(
      white,
      tf.pad(tf.ones([500, 1, 1, 1]), [
        [0, 0],
        [0, 31],
        [0, 31],
        [0, 0],
      ]),
    ) as ReturnType<typeof imageOf>;
    const erased = eraseRectangles(
      dotted,
      (column) =>
        (column in draws ? draws[column as keyof typeof draws] : tf.fill([500, 1], 0.5)) as ReturnType<
          typeof tf.tensor2d
        >,
      { probability: 1, area: [0.1, 0.2] },
    );
    const share = tf.mean(tf.cast(tf.notEqual(erased, dotted), 'float32')).dataSync()[0] ?? 0;
    expect(Math.abs(share - 0.15)).toBeLessThan(0.01);
  });

  it('leaves the bits of images that are not drawn', () => {
    const images = scatteredImages(2, 9);
    const none = eraseRectangles(images, chosen({ erased: 0.5 }), { ...config, probability: 0.5 });
    expect(bits(none)).toEqual(bits(images));
  });
});

describe('tones', () => {
  const rows = [
    [0, 17, 31, 32, 100],
    [127, 128, 200, 254, 255],
  ];
  const levels = rows.flat();
  const image = imageOf(rows);

  it('posterized keep their highest bits', () => {
    const posterized = changeTones(image, chosen({}), { posterize: { probability: 1, bits: 3 } });
    expectLevels(
      posterized,
      levels.map((level) => level & 0b1110_0000),
    );
  });

  it('solarized are inverted from the threshold on', () => {
    const solarized = changeTones(image, chosen({}), { solarize: { probability: 1, threshold: 0.5 } });
    expectLevels(
      solarized,
      levels.map((level) => (level >= 127.5 ? 255 - level : level)),
    );
  });

  it("equalized follow Pillow's rule, channel by channel", () => {
    // 4,080 pixels, so that the step of the rule is above 1.
    const pixels = Array.from({ length: 64 * 64 }, (_, at) => [
      Math.round(60 + 40 * Math.sin(at)),
      Math.floor(at / 64) % 5,
      7,
    ]);
    const images = imageOf(
      Array.from({ length: 64 }, (_, y) => pixels.slice(y * 64, (y + 1) * 64).flat()),
      3,
    );
    const tables = [0, 1, 2].map((channel) => pillowEqualize(pixels.map((pixel) => pixel[channel] ?? 0)));
    const expected = pixels.flatMap((pixel) => pixel.map((level, channel) => tables[channel]?.[level] ?? 0));
    expectLevels(changeTones(images, chosen({}), { equalize: { probability: 1 } }), expected);
    // The rule leaves a channel of one level, and images of few pixels, as they are.
    expect(tables[2]?.[7]).toBe(7);
    expect(bits(changeTones(image, chosen({}), { equalize: { probability: 1 } }))).toEqual(bits(image));
  });

  it('are equalized, posterized and solarized in this order', () => {
    const all = {
      equalize: { probability: 1 },
      posterize: { probability: 1, bits: 3 },
      solarize: { probability: 1, threshold: 0.5 },
    };
    const expected = levels.map((level) => level & 0b1110_0000).map((level) => (level >= 127.5 ? 255 - level : level));
    expectLevels(changeTones(image, chosen({}), all), expected);
  });

  it('leave the bits of images that nothing is drawn for, though these are no whole levels', () => {
    const images = tf.mul(scatteredImages(2, 9), 0.987) as typeof image;
    const half = {
      equalize: { probability: 0.5 },
      posterize: { probability: 0.5, bits: 3 },
      solarize: { probability: 0.5, threshold: 0.2 },
    };
    const draws = chosen({ equalized: 0.5, posterized: 0.6, solarized: 0.7 });
    expect(bits(changeTones(images, draws, half))).toEqual(bits(images));
  });

  it('are stretched by automatic contrast to 0 to 255, where a channel has two levels', () => {
    const source = levelsOf(
      imageOf([[50, 7, 100, 7, 150, 7]], 3)
        .reshape([1, 1, 3, 2])
        .slice([0, 0, 0, 0], [1, 1, 3, 1]) as typeof image,
    );
    expect(roundedLevels(source.lookUp(autoContrasted(source.unchanged, source.counts())))).toEqual([0, 127.5, 255]);
    const flat = levelsOf(imageOf([[7, 7, 7]]));
    expect(roundedLevels(flat.lookUp(autoContrasted(flat.unchanged, flat.counts())))).toEqual([7, 7, 7]);
    expect(roundedLevels(flat.lookUp(equalized(flat.unchanged, flat.counts())))).toEqual([7, 7, 7]);
  });

  it('are blended with another value, and cut to 0 to 255', () => {
    const source = levelsOf(image);
    const twice = source.lookUp(blended(100, source.unchanged, tf.tensor2d([[2]])));
    expectLevels(
      twice,
      levels.map((level) => Math.min(255, Math.max(0, 100 + 2 * (level - 100)))),
    );
  });
});

/** ImageOps.equalize of Pillow: what becomes of each level of a channel. */
function pillowEqualize(values: readonly number[]): number[] {
  const histogram = Array.from({ length: 256 }, (_, level) => values.filter((value) => value === level).length);
  const present = histogram.filter((count) => count > 0);
  const step = Math.floor((values.length - (present.at(-1) ?? 0)) / 255);
  if (present.length <= 1 || step === 0) return histogram.map((_, level) => level);
  let sum = Math.floor(step / 2);
  return histogram.map((count) => {
    const level = Math.min(255, Math.floor(sum / step));
    sum += count;
    return level;
  });
}
