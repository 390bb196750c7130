import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { EncoderConfig } from '../../contracts/training.ts';
import { createEmbedder } from '../../training/features.ts';
import { createEncoder } from '../../training/models/create-encoder.ts';
import { fastEnvironment } from '../../training/process/environment.ts';

const config = { name: 'small-resnet', channels: 4, blocks: [1, 1] } as const satisfies EncoderConfig;
const side = 16;
const image = { height: side, width: side, channels: 3 as const, mean: [0, 0, 0], deviation: [1, 1, 1] };

/** Embeddings by the initial weights of one seed. */
const embed = (encoder: EncoderConfig, images: Uint8Array, count: number) =>
  createEmbedder({ encoder, image }).features(images, count);

describe('a stem of stride 2', () => {
  const halved = { ...config, stemStride: 2 } as const;
  const images = Uint8Array.from({ length: 2 * side * side * 3 }, (_, at) => (at * 37) % 251);

  it('has the parameters of one of stride 1', () => {
    expect(createEncoder(halved, image).parameters).toEqual(createEncoder(config, image).parameters);
  });

  it('sees another image, and gives an embedding as long', async () => {
    const [full, half] = await Promise.all([embed(config, images, 2), embed(halved, images, 2)]);
    expect(half).toHaveLength(full.length);
    expect(Array.from(half)).not.toEqual(Array.from(full));
  });

  it('is not there unless the config asks for it', async () => {
    expect(await embed({ ...config, stemStride: 1 }, images, 2)).toEqual(await embed(config, images, 2));
  });
});

it('trains on large images with few channels, where a library that strides 1x1 convolutions damages its memory', async () => {
  const program = fileURLToPath(new URL('./processes/large-images.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    env: { ...process.env, ...fastEnvironment },
  });
  expect(stdout).toBe('done');
}, 60_000);
