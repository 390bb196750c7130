import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { randomDraws } from './random.ts';
import { digestsOf } from './row-digests.ts';
import type { RawDataset } from './source.ts';

const side = 28;

/**
 * Made-up images for tests and first tries: each class is a grating of its own direction and width, at a random phase,
 * place and strength, under noise. Learnable, but not by a single pixel.
 */
export async function generated(
  config: NonNullable<PrepareDataParameters['generated']>,
  seed: number,
): Promise<RawDataset> {
  const { classes, images, channels } = config;
  const labels = Int32Array.from({ length: images }, (_, index) => index % classes);
  const pixelsOf = (index: number) => {
    const label = labels[index] ?? 0;
    const draws = randomDraws(seed, 'generated image', index);
    const draw = (what: number) => draws(what) / 2 ** 32;
    const angle = (Math.PI * label) / classes + 0.15 * (draw(0) - 0.5);
    const frequency = 0.35 + 0.25 * (label % 3) + 0.05 * draw(1);
    const phase = 2 * Math.PI * draw(2);
    const strength = 60 + 50 * draw(3);
    const pixels = new Uint8Array(side * side * channels);
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const wave = Math.sin(frequency * 2 * (x * Math.cos(angle) + y * Math.sin(angle)) + phase);
        for (let channel = 0; channel < channels; channel++) {
          const at = (y * side + x) * channels + channel;
          pixels[at] = Math.max(0, Math.min(255, 128 + strength * wave + 60 * (draw(10 + at) - 0.5)));
        }
      }
    return pixels;
  };
  return {
    name: 'generated',
    classes: Array.from({ length: classes }, (_, label) => `class-${label}`),
    train: {
      count: images,
      labels,
      nameOf: (index) => `generated[${index}]`,
      digests: await digestsOf(images, pixelsOf),
      read: async (index) => ({
        pixels: pixelsOf(index),
        height: side,
        width: side,
        channels,
        label: labels[index] ?? 0,
      }),
    },
  };
}
