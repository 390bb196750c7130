import type { EncoderConfig } from '../contracts/training.ts';

/** The models that the tables measure, and how they name them. */

export const smallResnet = (channels: number, blocks: readonly number[] = [2, 2, 2]): EncoderConfig => ({
  name: 'small-resnet',
  channels,
  blocks: [...blocks],
});

export const resnet50v2 = (stem: 'imagenet' | 'cifar' = 'imagenet'): EncoderConfig => ({ name: 'resnet50v2', stem });

/** Of the images of all workloads: height, width and channels. */
export const imageShape = [32, 32, 1] as const;

export function describeEncoder(encoder: EncoderConfig): string {
  if (encoder.name === 'resnet50v2') return encoder.stem === 'imagenet' ? encoder.name : `${encoder.name} cifar`;
  return `${encoder.name} ${encoder.channels} [${encoder.blocks}]`;
}

/** Images of a step, each in two views. */
export const describeViews = (batch: number): string => `${batch} x 2`;

/** How `--only TEXT` picks: by the encoder and the views of a row. */
export const isPicked = (encoder: EncoderConfig, batch: number, only: string): boolean =>
  `${describeEncoder(encoder)} ${describeViews(batch)}`.includes(only);
