import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { randomUint32 } from '../../../datasets/index.ts';
import {
  bitsBetween,
  hashedSide,
  type PerceptualHash,
  perceptualHash,
} from '../../../evaluation/inspection/perceptual-hash.ts';
import { shrinker } from '../../../evaluation/inspection/shrink.ts';

const side = 96;

/** A picture of eight soft blobs of colour, each picture other ones. */
function pictureOf(seed: number): Uint8Array {
  const unit = (at: number, what: number) => randomUint32(seed, 'blob', at, what) / 2 ** 32;
  const blobs = Array.from({ length: 8 }, (_, at) => ({
    x: unit(at, 0),
    y: unit(at, 1),
    colour: [2, 3, 4].map((channel) => 110 * unit(at, channel)),
  }));
  const pixels = new Uint8Array(side * side * 3);
  for (let at = 0; at < side * side; at++) {
    const [x, y] = [(at % side) / side, Math.floor(at / side) / side];
    const colour = [40, 40, 40];
    for (const blob of blobs) {
      const weight = Math.exp(-((x - blob.x) ** 2 + (y - blob.y) ** 2) / 0.02);
      for (const channel of colour.keys())
        colour[channel] = (colour[channel] as number) + weight * (blob.colour[channel] as number);
    }
    pixels.set(
      colour.map((value) => Math.min(255, value)),
      3 * at,
    );
  }
  return pixels;
}

const image = (pixels: Uint8Array) => sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
async function hashOf(changed: Sharp): Promise<PerceptualHash> {
  const { data, info } = await changed.raw().toBuffer({ resolveWithObject: true });
  return perceptualHash(shrinker(info, hashedSide)(data), info.channels);
}
function bits(a: PerceptualHash, b: PerceptualHash): number {
  if (!a || !b) throw new Error('neither is blank');
  return bitsBetween(a[0], b[0]) + bitsBetween(a[1], b[1]);
}

describe('a perceptual hash', () => {
  const changes: Readonly<Record<string, (pixels: Uint8Array) => Promise<Sharp>>> = {
    'resized to a third': async (pixels) => image(pixels).resize(32, 32),
    enlarged: async (pixels) => image(pixels).resize(200, 200),
    'compressed as JPEG of quality 40': async (pixels) => sharp(await image(pixels).jpeg({ quality: 40 }).toBuffer()),
    brighter: async (pixels) => image(pixels).linear(1.15, 10),
    darker: async (pixels) => image(pixels).linear(0.7, 0),
    grey: async (pixels) => image(pixels).greyscale(),
  };
  for (const [what, change] of Object.entries(changes))
    it(`is near that of the same picture ${what}`, async () => {
      for (let seed = 0; seed < 8; seed++) {
        const pixels = pictureOf(seed);
        expect(bits(await hashOf(image(pixels)), await hashOf(await change(pixels)))).toBeLessThanOrEqual(10);
      }
    });

  it('is far from those of other pictures', async () => {
    const hashes = await Promise.all(Array.from({ length: 30 }, (_, seed) => hashOf(image(pictureOf(seed)))));
    const distances = hashes.flatMap((a, at) => hashes.slice(at + 1).map((b) => bits(a, b)));
    expect(Math.min(...distances)).toBeGreaterThan(11);
  });

  it('is that of the formula: which coefficients of the cosine transform are above their median', () => {
    // One wave across, two down: a single coefficient, (2, 1), and all others 0.
    const wave = Float32Array.from({ length: hashedSide ** 2 }, (_, at) => {
      const [x, y] = [at % hashedSide, Math.floor(at / hashedSide)];
      return (
        100 +
        50 *
          Math.cos((Math.PI * 1 * (2 * x + 1)) / (2 * hashedSide)) *
          Math.cos((Math.PI * 2 * (2 * y + 1)) / (2 * hashedSide))
      );
    });
    const noise = wave.map((value, at) => value - 1e-3 * Math.cos((at % hashedSide) * Math.floor(at / hashedSide)));
    const hash = perceptualHash(noise, 1);
    // Rows are vertical frequencies from 1, so (2, 1) is the ninth bit.
    expect(((hash?.[0] ?? 0) >>> 8) & 1).toBe(1);
  });

  it('is none for an image of one colour', () => {
    for (const level of [0, 128, 255])
      expect(perceptualHash(new Float32Array(hashedSide ** 2).fill(level), 1)).toBeNull();
  });
});

describe('shrinking', () => {
  it('gives each cell the mean of what it covers', () => {
    const shrink = shrinker({ height: 2, width: 3, channels: 1 }, 2);
    // Each cell is one row high and one and a half places wide.
    expect([...shrink([3, 6, 9, 0, 30, 60])].map((each) => Number(each.toFixed(4)))).toEqual([4, 8, 10, 50]);
  });

  it('keeps an image that has the size, channel by channel', () => {
    const pixels = Uint8Array.from({ length: 12 }, (_, at) => at * 20);
    expect([...shrinker({ height: 2, width: 2, channels: 3 }, 2)(pixels)]).toEqual([...pixels]);
  });
});
