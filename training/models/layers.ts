import type { GatherParts } from '../exchange.ts';
import { jointBatchNorm } from '../joint-batch-norm.ts';
import { biasAdd, fusedBatchNorm, normaliseBy } from '../ops.ts';
import { type ParameterSpec, type Variables, variable } from '../parameters.ts';
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';

/**
 * The layers that the encoders are made of, as functions of named variables.
 */

/** What a forward pass runs with. */
export interface Pass {
  readonly variables: Variables;
  /**
   * Absent for inference, where batch normalisation uses its moving statistics. In training it uses those of the batch
   * and hands them over: float32 [channels] each, owned by the current tidy.
   */
  readonly onBatchStatistics?: (layer: string, mean: Tensor1D, variance: Tensor1D) => void;
  /** Absent where a part of a batch is normalised by itself; else by the statistics of all its parts. */
  readonly gatherParts?: GatherParts;
  /** Names of parameters that are not trained. Batch normalisation whose scale is among them uses its moving statistics in training too. */
  readonly frozen?: ReadonlySet<string>;
  /**
   * What becomes of a residual branch before it is added, where stochastic depth may drop it.
   *
   * @param block from 0, of so many; a block with several branches calls it for each, in the same order
   */
  readonly dropBranch?: (branch: Tensor, block: number, blocks: number) => Tensor;
}

/** The variables that move towards the statistics of a layer's batches: as Keras names them, or as PyTorch does. */
export const movingStatistics = (variables: Variables, layer: string) =>
  variables.has(`${layer}.running_mean`)
    ? { mean: `${layer}.running_mean`, variance: `${layer}.running_var` }
    : { mean: `${layer}/moving_mean`, variance: `${layer}/moving_variance` };

export interface ConvOptions {
  readonly kernel: number;
  readonly inputs: number;
  readonly filters: number;
  readonly bias: boolean;
}

export const convParameters = (layer: string, { kernel, inputs, filters, bias }: ConvOptions): ParameterSpec[] => [
  { name: `${layer}/kernel`, shape: [kernel, kernel, inputs, filters], initializer: 'glorot-uniform', trainable: true },
  ...(bias ? [{ name: `${layer}/bias`, shape: [filters], initializer: 'zeros', trainable: true } as const] : []),
];

export const batchNormParameters = (layer: string, channels: number): ParameterSpec[] => [
  { name: `${layer}/gamma`, shape: [channels], initializer: 'ones', trainable: true },
  { name: `${layer}/beta`, shape: [channels], initializer: 'zeros', trainable: true },
  { name: `${layer}/moving_mean`, shape: [channels], initializer: 'zeros', trainable: false },
  { name: `${layer}/moving_variance`, shape: [channels], initializer: 'ones', trainable: false },
];

export const denseParameters = (layer: string, inputs: number, units: number): ParameterSpec[] => [
  { name: `${layer}/kernel`, shape: [inputs, units], initializer: 'glorot-uniform', trainable: true },
  { name: `${layer}/bias`, shape: [units], initializer: 'zeros', trainable: true },
];

/** Convolution, with a bias where the layer has one. */
export function conv(
  x: Tensor4D,
  layer: string,
  stride: number,
  padding: 'same' | 'valid',
  { variables }: Pass,
): Tensor4D {
  const y = tf.conv2d(x, variable(variables, `${layer}/kernel`) as unknown as Tensor4D, stride, padding);
  const bias = variables.get(`${layer}/bias`);
  return bias ? biasAdd(y, bias) : y;
}

/** Batch normalisation over all but the channels. */
export function batchNorm(x: Tensor4D, layer: string, epsilon: number, pass: Pass): Tensor4D {
  const { variables, onBatchStatistics, gatherParts, frozen } = pass;
  const gamma = variable(variables, `${layer}/gamma`) as unknown as Tensor1D;
  const beta = variable(variables, `${layer}/beta`) as unknown as Tensor1D;
  if (!onBatchStatistics || frozen?.has(`${layer}/gamma`)) {
    const mean = variable(variables, `${layer}/moving_mean`) as unknown as Tensor1D;
    const variance = variable(variables, `${layer}/moving_variance`) as unknown as Tensor1D;
    return normaliseBy(x, { gamma, beta, mean, variance }, epsilon);
  }
  const { output, mean, variance } = gatherParts
    ? jointBatchNorm(x, gamma, beta, epsilon, gatherParts)
    : fusedBatchNorm(x, gamma, beta, epsilon);
  onBatchStatistics(layer, mean, variance);
  return output;
}

/** Where a residual block stands among all of an encoder. */
export interface Place {
  readonly block: number;
  readonly blocks: number;
}

/** A residual connection: adds a branch to the shortcut. */
export const addBranch = <T extends Tensor>(
  shortcut: T,
  branch: T,
  { dropBranch }: Pass,
  { block, blocks }: Place,
): T => tf.add(shortcut, dropBranch?.(branch, block, blocks) ?? branch);

export function dense(x: Tensor2D, layer: string, { variables }: Pass): Tensor2D {
  const y: Tensor2D = tf.matMul(x, variable(variables, `${layer}/kernel`) as unknown as Tensor2D);
  return biasAdd(y, variable(variables, `${layer}/bias`));
}

/** Zeros around the image, `pixels` wide. */
export const pad = (x: Tensor4D, pixels: number): Tensor4D =>
  tf.pad4d(x, [
    [0, 0],
    [pixels, pixels],
    [pixels, pixels],
    [0, 0],
  ]);

export const globalAveragePool = (x: Tensor4D): Tensor2D => tf.mean(x, [1, 2]);
