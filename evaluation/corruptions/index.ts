import type { CorruptionName } from '../../contracts/robustness.ts';
import { randomDraws } from '../../datasets/index.ts';
import { brightness } from './brightness.ts';
import { contrast } from './contrast.ts';
import { erasing } from './erasing.ts';
import { gaussianBlur } from './gaussian-blur.ts';
import { gaussianNoise } from './gaussian-noise.ts';
import type { Corruption, ImageShape } from './image.ts';
import { impulseNoise } from './impulse-noise.ts';
import { jpeg } from './jpeg.ts';
import { pixelate } from './pixelate.ts';
import { rotation } from './rotation.ts';
import { shift } from './shift.ts';
import { shotNoise } from './shot-noise.ts';

export type { ImageShape } from './image.ts';

const corruptions: Readonly<Record<CorruptionName, Corruption>> = {
  'gaussian-noise': gaussianNoise,
  'shot-noise': shotNoise,
  'impulse-noise': impulseNoise,
  'gaussian-blur': gaussianBlur,
  brightness,
  contrast,
  pixelate,
  jpeg,
  shift,
  rotation,
  erasing,
};

/** Spoils the image of a row: bytes [height, width, channels] give such bytes. */
export type SpoilRow = (row: number, image: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/**
 * A corruption at a severity. What comes out is a function of the image and (seed, corruption, severity, row) alone.
 *
 * @param severity 1, the mildest, to 5
 */
export function createCorruption(name: CorruptionName, severity: number, shape: ImageShape, seed: number): SpoilRow {
  const spoil = corruptions[name](severity);
  return (row, image) => {
    const draw = randomDraws(seed, name, severity, row);
    return spoil(image, shape, (counter) => draw(counter) / 2 ** 32);
  };
}
