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
  switch (encoder.name) {
    case 'resnet50v2':
      return encoder.stem === 'imagenet' ? encoder.name : `${encoder.name} cifar`;
    case 'small-resnet':
      return `${encoder.name} ${encoder.channels} [${encoder.blocks}]`;
    case 'resnet50':
      return encoder.name;
    case 'vit':
      return `${encoder.name} ${encoder.size} ${encoder.patch}${encoder.registers > 0 ? `, ${encoder.registers} registers` : ''}`;
    default:
      return `${encoder.name} ${encoder.size}`;
  }
}

/** Images of a step, each in two views. */
export const describeViews = (batch: number): string => `${batch} x 2`;

/** Those that `--only TEXT` picks, by their encoder and views. @throws Error when it picks none */
export function pick<Workload extends { readonly encoder: EncoderConfig; readonly batch: number }>(
  workloads: readonly Workload[],
  only: string,
): Workload[] {
  const nameOf = ({ encoder, batch }: Workload) => `${describeEncoder(encoder)} ${describeViews(batch)}`;
  const picked = workloads.filter((workload) => nameOf(workload).includes(only));
  if (picked.length === 0)
    throw new Error(`--only ${only} picks none of: ${[...new Set(workloads.map(nameOf))].join('; ')}.`);
  return picked;
}
