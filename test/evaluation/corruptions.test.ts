import { describe, expect, it } from 'vitest';
import { corruptionNames, severities } from '../../contracts/robustness.ts';
import { createCorruption, type ImageShape } from '../../evaluation/corruptions/index.ts';

const shape = (channels: 1 | 3): ImageShape => ({ height: 32, width: 32, channels });

/** A disc with stripes on a dark ground, at a place that depends on the row; in colour, of another colour than its ground. */
function picture(row: number, channels: 1 | 3): Uint8Array {
  const pixels = new Uint8Array(32 * 32 * channels);
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 32; x++) {
      const inside = Math.hypot(y - 14 - (row % 5), x - 12 - (row % 7)) < 9;
      for (let channel = 0; channel < channels; channel++) {
        const light = inside ? 150 + 60 * Math.sin((0.3 + 0.04 * row) * (x + y / 3)) : 25 + (x * y) / 40;
        pixels[(y * 32 + x) * channels + channel] = light * (1 - 0.3 * channel) + 5;
      }
    }
  return pixels;
}

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const difference = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;

describe.each(corruptionNames)('%s', (name) => {
  it.each([1, 3] as const)(
    'changes images of %i channels, more at each severity, and keeps their shape',
    async (channels) => {
      const means: number[] = [];
      for (const severity of severities) {
        const spoil = createCorruption(name, severity, shape(channels), 0);
        let sum = 0;
        for (let row = 0; row < 20; row++) {
          const image = picture(row, channels);
          const before = image.slice();
          const spoilt = await spoil(row, image);
          expect(spoilt).toHaveLength(image.length);
          expect(image).toEqual(before);
          sum += difference(image, spoilt);
        }
        means.push(sum / 20);
      }
      expect(means[0]).toBeGreaterThan(0.1);
      expect(means).toEqual(means.toSorted((a, b) => a - b));
      expect(new Set(means).size).toBe(severities.length);
    },
  );

  it('gives the same bytes for the same seed, severity and row, whatever was drawn before', async () => {
    const image = picture(0, 1);
    const spoil = createCorruption(name, 3, shape(1), 7);
    const first = await spoil(5, image);
    await spoil(6, image);
    expect(isSame(await spoil(5, image), first)).toBe(true);
    expect(isSame(await createCorruption(name, 3, shape(1), 7)(5, image), first)).toBe(true);
  });
});

describe('what is random', () => {
  const random = ['gaussian-noise', 'shot-noise', 'impulse-noise', 'shift', 'erasing'] as const;
  it.each(random)('%s differs from row to row and from seed to seed', async (name) => {
    const image = picture(0, 1);
    const [own, row, seed] = [
      await createCorruption(name, 5, shape(1), 0)(0, image),
      await createCorruption(name, 5, shape(1), 0)(1, image),
      await createCorruption(name, 5, shape(1), 1)(0, image),
    ];
    expect(isSame(row, own)).toBe(false);
    expect(isSame(seed, own)).toBe(false);
  });

  const flat = (value: number) => new Uint8Array(32 * 32).fill(value);
  const spoilt = async (name: (typeof corruptionNames)[number], severity: number, value: number) => {
    const spoil = createCorruption(name, severity, shape(1), 0);
    const parts: number[] = [];
    for (let row = 0; row < 20; row++) parts.push(...(await spoil(row, flat(value))));
    return parts;
  };
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = (values: readonly number[]) => {
    const middle = mean(values);
    return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
  };

  it('Gaussian noise has mean 0 and the deviation of its severity', async () => {
    const values = await spoilt('gaussian-noise', 5, 128);
    expect(mean(values)).toBeCloseTo(128, 0);
    expect(deviation(values)).toBeCloseTo(0.1 * 255, 0);
  });

  it('shot noise has the mean and the variance of a Poisson distribution', async () => {
    const values = await spoilt('shot-noise', 3, 100);
    expect(Math.abs(mean(values) - 100)).toBeLessThan(1);
    expect(Math.abs(deviation(values) - Math.sqrt((100 * 255) / 100))).toBeLessThan(0.5);
    expect(new Set(await spoilt('shot-noise', 5, 0))).toEqual(new Set([0]));
  });

  it('impulse noise strikes its share of the values, half white and half black', async () => {
    const values = await spoilt('impulse-noise', 5, 100);
    const share = (value: number) => values.filter((each) => each === value).length / values.length;
    expect(share(0)).toBeCloseTo(0.035, 2);
    expect(share(255)).toBeCloseTo(0.035, 2);
    expect(share(0) + share(255) + share(100)).toBe(1);
  });
});

describe('known values', () => {
  const tiny = (height: number, width: number, channels: 1 | 3 = 1): ImageShape => ({ height, width, channels });
  const apply = async (name: (typeof corruptionNames)[number], severity: number, of: ImageShape, pixels: number[]) => [
    ...(await createCorruption(name, severity, of, 0)(0, Uint8Array.from(pixels))),
  ];

  it('contrast draws towards the mean of each channel', async () => {
    expect(await apply('contrast', 2, tiny(1, 2), [0, 200])).toEqual([50, 150]);
    expect(await apply('contrast', 2, tiny(1, 2, 3), [0, 10, 255, 200, 10, 55])).toEqual([50, 10, 205, 150, 10, 105]);
  });

  it('brightness adds to a grey value, and to V of a colour, whose hue and saturation stay', async () => {
    expect(await apply('brightness', 2, tiny(1, 3), [0, 100, 250])).toEqual([26, 126, 255]);
    // V is 100 and becomes 151: every channel is 1.51 times as much.
    expect(await apply('brightness', 4, tiny(1, 2, 3), [100, 50, 0, 0, 0, 0])).toEqual([151, 76, 0, 51, 51, 51]);
  });

  it('pixelate takes means and repeats them', async () => {
    // 4 pixels become 2 (0.65 of 4, rounded down), which are repeated.
    expect(await apply('pixelate', 5, tiny(4, 4), [0, 2, 10, 10, 4, 6, 10, 10, 8, 8, 0, 0, 8, 8, 0, 1])).toEqual([
      3, 3, 10, 10, 3, 3, 10, 10, 8, 8, 1, 1, 8, 8, 1, 1,
    ]);
  });

  it('blur spreads a point by the weights of a Gaussian, and leaves what is flat alone', async () => {
    const point = new Array<number>(49).fill(0);
    point[24] = 255;
    const blurred = await apply('gaussian-blur', 5, tiny(7, 7), point);
    const sum = 1 + 2 * [1, 2, 3, 4].reduce((total, at) => total + Math.exp(-(at ** 2) / 2), 0);
    expect(blurred[24]).toBe(Math.round(255 / sum ** 2));
    expect(blurred[25]).toBe(Math.round((255 * Math.exp(-0.5)) / sum ** 2));
    expect(blurred[25]).toBe(blurred[17]);
    expect(new Set(await apply('gaussian-blur', 5, tiny(5, 5, 3), new Array<number>(75).fill(77)))).toEqual(
      new Set([77]),
    );
  });

  it('erasing covers a square of grey, and nothing else', async () => {
    const image = await apply('erasing', 5, tiny(8, 8), new Array<number>(64).fill(9));
    const covered = image.flatMap((value, at) => (value === 9 ? [] : [at]));
    expect(covered).toHaveLength(16);
    expect(new Set(covered.map((at) => at % 8)).size).toBe(4);
    expect(covered.every((at) => image[at] === 128)).toBe(true);
  });

  it('shift moves by whole pixels: away from the border all values were there before, elsewhere', async () => {
    const pixels = Array.from({ length: 64 }, (_, at) => at);
    const moved = await apply('shift', 3, tiny(8, 8), pixels);
    const offsets = new Set(
      moved.flatMap((value, at) => {
        const [x, y] = [at % 8, Math.floor(at / 8)];
        return x >= 3 && x < 5 && y >= 3 && y < 5 ? [value - at] : [];
      }),
    );
    expect(offsets.size).toBe(1);
    expect(offsets).not.toContain(0);
  });

  it('rotation leaves the middle and what is flat where it is', async () => {
    const pixels = new Array<number>(81).fill(0);
    pixels[40] = 200;
    expect((await apply('rotation', 5, tiny(9, 9), pixels))[40]).toBe(200);
    expect(new Set(await apply('rotation', 5, tiny(9, 9, 3), new Array<number>(243).fill(50)))).toEqual(new Set([50]));
  });

  it('JPEG leaves what is flat as it is, within a step of rounding', async () => {
    for (const value of await apply('jpeg', 5, tiny(16, 16), new Array<number>(256).fill(128)))
      expect(Math.abs(value - 128)).toBeLessThanOrEqual(1);
  });
});
