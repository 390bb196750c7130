import { type EncoderConfig, encoderSchema } from '../contracts/training.ts';
import type { ParameterSpec } from '../training/parameters.ts';
import { type Tensor, tf } from '../training/tensorflow.ts';

/** An encoder that timm or torchvision has. */
export interface EncoderWorkload {
  readonly encoder: EncoderConfig;
  /** Sides that embeddings are compared at; the position embedding is for the first. */
  readonly sizes: readonly [number, number];
}

const workload = (encoder: object, sizes: EncoderWorkload['sizes'] = [64, 96]): EncoderWorkload => ({
  encoder: encoderSchema.parse(encoder),
  sizes,
});

export const encoderWorkloads: readonly EncoderWorkload[] = [
  workload({ name: 'resnet50' }),
  workload({ name: 'convnext', size: 'tiny' }),
  workload({ name: 'convnext', size: 'small' }),
  workload({ name: 'convnext', size: 'base' }),
  workload({ name: 'mobilenetv3', size: 'large' }),
  workload({ name: 'mobilenetv3', size: 'small' }),
  workload({ name: 'vit', size: 'small' }),
  workload({ name: 'vit', size: 'base' }),
  workload({ name: 'vit', size: 'small', patch: 14 }, [56, 112]),
  workload({ name: 'vit', size: 'small', patch: 14, registers: 4 }, [56, 112]),
];

/** Weights of which every layer is seen in the embedding; fresh ones leave out branches and offsets. */
export function madeValue({ name, shape }: ParameterSpec, seed = name.length + 7): Tensor {
  const drawn = (low: number, high: number) => tf.randomUniform([...shape], low, high, 'float32', seed);
  if (/token$|pos_embed$/.test(name)) return drawn(-1, 1);
  if (shape.length === 1)
    return /weight$|gamma$|running_var$|moving_variance$/.test(name) ? drawn(0.5, 1.5) : drawn(-0.1, 0.1);
  const fanIn = shape.slice(0, shape.at(-1) === 1 ? 2 : -1).reduce((a, b) => a * b, 1);
  const limit = Math.sqrt(3 / fanIn);
  return drawn(-limit, limit);
}
