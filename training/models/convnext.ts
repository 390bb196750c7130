import { gelu } from '../activations.ts';
import { normaliseRows } from '../normalise-rows.ts';
import { reshapeRows } from '../open-shapes.ts';
import type { ParameterSpec } from '../parameters.ts';
import { type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import type { EncoderModel } from './encoder.ts';
import type { Pass } from './layers.ts';
import { staged } from './stages.ts';
import {
  branch,
  convolution,
  convolutionParameters,
  depthwiseConvolution,
  depthwiseParameters,
  layerNorm,
  layerNormParameters,
  layerScaleParameters,
  linear,
  linearParameters,
} from './timm-layers.ts';

/**
 * ConvNeXt (Liu et al. 2022, arXiv:2201.03545) as timm has it, by its names. The embedding is the average over the pixels of
 * the last stage after `head.norm`. Images of 32 pixels and more; what is left beyond multiples of the strides is not looked at.
 */

export interface ConvnextShape {
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage. */
  readonly widths: readonly number[];
}

export const convnextShapes = {
  tiny: { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768] },
  small: { depths: [3, 3, 27, 3], widths: [96, 192, 384, 768] },
  base: { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024] },
} as const satisfies Record<string, ConvnextShape>;

const epsilon = 1e-6;
const kernel = 7;
const expansion = 4;
const layerScale = 1e-6;
/** timm cuts the normal distribution off at 2, which is 100 deviations. */
const begins = { weight: { normal: 0.02 }, bias: 'zeros' } as const;

const blockParameters = (name: string, channels: number): ParameterSpec[] => [
  ...layerScaleParameters(`${name}.gamma`, channels, layerScale),
  ...depthwiseParameters(`${name}.conv_dw`, { kernel, channels }, begins),
  ...layerNormParameters(`${name}.norm`, channels),
  ...linearParameters(`${name}.mlp.fc1`, channels, channels * expansion, begins),
  ...linearParameters(`${name}.mlp.fc2`, channels * expansion, channels, begins),
];

function residual(x: Tensor4D, name: string, at: { block: number; blocks: number }, pass: Pass): Tensor4D {
  let y = depthwiseConvolution(x, `${name}.conv_dw`, { stride: 1, padding: (kernel - 1) / 2 }, pass);
  y = gelu(linear(normaliseRows(y, epsilon), `${name}.mlp.fc1`, { norm: `${name}.norm` }, pass));
  y = linear(y, `${name}.mlp.fc2`, { scale: `${name}.gamma` }, pass);
  return tf.add(branch(y, at, pass), x);
}

const downsampleParameters = (name: string, inputs: number, filters: number): ParameterSpec[] => [
  ...layerNormParameters(`${name}.0`, inputs),
  ...convolutionParameters(`${name}.1`, { kernel: 2, inputs, filters }, begins),
];

const downsample = (x: Tensor4D, name: string, pass: Pass): Tensor4D =>
  convolution(layerNorm(x, `${name}.0`, epsilon, pass), `${name}.1`, { stride: 2, padding: 0 }, pass);

/** @returns an encoder of 3-channel images with an embedding as long as the last stage has channels */
export function convnext({ depths, widths }: ConvnextShape): EncoderModel {
  const [first = 0] = widths;
  const dimension = widths.at(-1) ?? 0;
  const blocks = depths.reduce((sum, count) => sum + count, 0);
  const stages = depths.map((count, stage) => ({
    name: `stages.${stage}`,
    inputs: widths[stage - 1] ?? first,
    width: widths[stage] ?? 0,
    halves: stage > 0,
    blocks: Array.from({ length: count }, (_, index) => `stages.${stage}.blocks.${index}`),
  }));
  return {
    channels: 3,
    dimension,
    ...staged([
      [
        'stem',
        [
          ...convolutionParameters('stem.0', { kernel: 4, inputs: 3, filters: first }, begins),
          ...layerNormParameters('stem.1', first),
        ],
      ],
      ...stages.map(
        ({ name, inputs, width, halves, blocks: names }) =>
          [
            name,
            [
              ...(halves ? downsampleParameters(`${name}.downsample`, inputs, width) : []),
              ...names.flatMap((each) => blockParameters(each, width)),
            ],
          ] as const,
      ),
      ['norm', layerNormParameters('head.norm', dimension)],
    ]),
    embed: (images, pass) => {
      let x = convolution(images, 'stem.0', { stride: 4, padding: 0 }, pass);
      x = layerNorm(x, 'stem.1', epsilon, pass);
      let block = 0;
      for (const stage of stages) {
        if (stage.halves) x = downsample(x, `${stage.name}.downsample`, pass);
        for (const name of stage.blocks) x = residual(x, name, { block: block++, blocks }, pass);
      }
      const pooled = tf.mean(x, [1, 2], true) as Tensor4D;
      return reshapeRows<Tensor2D>(layerNorm(pooled, 'head.norm', epsilon, pass), [dimension]);
    },
  };
}
