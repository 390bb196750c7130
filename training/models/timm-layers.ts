import { depthwiseConvolve } from '../depthwise.ts';
import { jointBatchNorm } from '../joint-batch-norm.ts';
import { normaliseRows } from '../normalise-rows.ts';
import { biasAdd, fusedBatchNorm, normaliseBy } from '../ops.ts';
import { type Initializer, type ParameterSpec, type Variables, variable } from '../parameters.ts';
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import { type Pass, pad } from './layers.ts';

/**
 * The layers of the encoders that timm has, as functions of variables that are named as in timm's state dicts. Layouts are
 * TensorFlow's: kernels of convolutions [height, width, in, out], of depthwise ones [height, width, channels, 1], of linear
 * layers [in, out].
 */

const learned = (name: string, shape: readonly number[], initializer: Initializer): ParameterSpec => ({
  name,
  shape,
  initializer,
  trainable: true,
});

interface Begins {
  readonly weight: Initializer;
  /** Absent where the layer has no bias. */
  readonly bias?: Initializer;
}

const withBias = (layer: string, shape: readonly number[], outputs: number, { weight, bias }: Begins) => [
  learned(`${layer}.weight`, shape, weight),
  ...(bias === undefined ? [] : [learned(`${layer}.bias`, [outputs], bias)]),
];

export const convolutionParameters = (
  layer: string,
  { kernel, inputs, filters }: { readonly kernel: number; readonly inputs: number; readonly filters: number },
  begins: Begins,
): ParameterSpec[] => withBias(layer, [kernel, kernel, inputs, filters], filters, begins);

export const depthwiseParameters = (
  layer: string,
  { kernel, channels }: { readonly kernel: number; readonly channels: number },
  begins: Begins,
): ParameterSpec[] => withBias(layer, [kernel, kernel, channels, 1], channels, begins);

export const linearParameters = (layer: string, inputs: number, units: number, begins: Begins): ParameterSpec[] =>
  withBias(layer, [inputs, units], units, begins);

export const layerNormParameters = (layer: string, channels: number): ParameterSpec[] => [
  learned(`${layer}.weight`, [channels], 'ones'),
  learned(`${layer}.bias`, [channels], 'zeros'),
];

/** `scale` is what the scale begins with. */
export const batchNormParameters = (layer: string, channels: number, scale: Initializer = 'ones'): ParameterSpec[] => [
  learned(`${layer}.weight`, [channels], scale),
  learned(`${layer}.bias`, [channels], 'zeros'),
  { name: `${layer}.running_mean`, shape: [channels], initializer: 'zeros', trainable: false },
  { name: `${layer}.running_var`, shape: [channels], initializer: 'ones', trainable: false },
];

/** Factors of each channel of the result of a branch, as LayerScale has them (arXiv:2103.17239). */
export const layerScaleParameters = (name: string, channels: number, begin: number): ParameterSpec[] => [
  learned(name, [channels], begin),
];

const vector = (variables: Variables, name: string) => variable(variables, name) as unknown as Tensor1D;

type Convolve = (x: Tensor4D, kernel: Tensor4D, stride: number, pad: 'same' | 'valid') => Tensor4D;

/** A layer with PyTorch's padding, zeros on both sides alike, and a bias where the variables have one. */
const convolutionBy =
  (convolve: Convolve) =>
  (
    x: Tensor4D,
    layer: string,
    { stride, padding }: { readonly stride: number; readonly padding: number },
    { variables }: Pass,
  ): Tensor4D => {
    const weight = variable(variables, `${layer}.weight`) as unknown as Tensor4D;
    const { images, mode } = padded(x, weight, stride, padding);
    const y = convolve(images, weight, stride, mode);
    const bias = variables.get(`${layer}.bias`);
    return bias ? biasAdd(y, bias) : y;
  };

export const convolution = convolutionBy((x, kernel, stride, mode) => tf.conv2d(x, kernel, stride, mode));
/** The same with a kernel for each channel by itself. */
export const depthwiseConvolution = convolutionBy(depthwiseConvolve);

/** With stride 1, "same" is a pad that costs no copy; with stride 2 it would pad one side more than the other. */
function padded(x: Tensor4D, weight: Tensor4D, stride: number, padding: number) {
  if (stride === 1 && 2 * padding === weight.shape[0] - 1) return { images: x, mode: 'same' } as const;
  return { images: padding === 0 ? x : pad(x, padding), mode: 'valid' } as const;
}

/** What a linear layer takes over from its neighbours. */
export interface Folded {
  /** The layer norm before it, whose scale and offset become part of kernel and bias; `x` is normalised without them. */
  readonly norm?: string;
  /** The factors of its outputs. */
  readonly scale?: string;
}

/**
 * A linear layer over the channels of each pixel, written as a convolution of one pixel: that is what mixed precision knows, and
 * on a CPU it becomes a matrix product.
 *
 * Scales and offsets of its neighbours are multiplied into the kernel, which is smaller than the activations: (x̂γ + β)W + b is
 * x̂(γW) + (βW + b). That spares passes over the activations, forward and backward.
 *
 * @param x float32 [n, height, width, in]; @returns float32 [n, height, width, out]
 */
export function linear(x: Tensor4D, layer: string, { norm, scale }: Folded, { variables }: Pass): Tensor4D {
  let weight: Tensor2D = variable(variables, `${layer}.weight`) as unknown as Tensor2D;
  let bias: Tensor1D = vector(variables, `${layer}.bias`);
  const [inputs, outputs] = weight.shape;
  if (norm !== undefined) {
    const offset = tf.matMul(tf.reshape(vector(variables, `${norm}.bias`), [1, inputs]), weight);
    bias = tf.add(bias, tf.reshape(offset, [outputs]));
    weight = tf.mul(weight, tf.reshape(vector(variables, `${norm}.weight`), [inputs, 1]));
  }
  if (scale !== undefined) {
    weight = tf.mul(weight, vector(variables, scale));
    bias = tf.mul(bias, vector(variables, scale));
  }
  const kernel = tf.reshape(weight, [1, 1, inputs, outputs]) as Tensor4D;
  return biasAdd(tf.conv2d(x, kernel, 1, 'valid'), bias);
}

/** Layer normalisation over the channels of each pixel, with scale and offset. */
export function layerNorm(x: Tensor4D, layer: string, epsilon: number, { variables }: Pass): Tensor4D {
  const scaled = tf.mul(normaliseRows(x, epsilon), vector(variables, `${layer}.weight`)) as Tensor4D;
  return biasAdd(scaled, vector(variables, `${layer}.bias`));
}

/** Batch normalisation over all but the channels. Its moving variance is the biased one, PyTorch's is not. */
export function batchNorm(x: Tensor4D, layer: string, epsilon: number, pass: Pass): Tensor4D {
  const { variables, onBatchStatistics, gatherParts, frozen } = pass;
  const gamma = vector(variables, `${layer}.weight`);
  const beta = vector(variables, `${layer}.bias`);
  if (!onBatchStatistics || frozen?.has(`${layer}.weight`)) {
    const mean = vector(variables, `${layer}.running_mean`);
    const variance = vector(variables, `${layer}.running_var`);
    return normaliseBy(x, { gamma, beta, mean, variance }, epsilon);
  }
  const { output, mean, variance } = gatherParts
    ? jointBatchNorm(x, gamma, beta, epsilon, gatherParts)
    : fusedBatchNorm(x, gamma, beta, epsilon);
  onBatchStatistics(layer, mean, variance);
  return output;
}

/** A branch on its way to the addition: dropped for some images where the pass asks for that. */
export const branch = <T extends Tensor>(
  x: T,
  { block, blocks }: { readonly block: number; readonly blocks: number },
  { dropBranch }: Pass,
): T => (dropBranch ? (dropBranch(x, block, blocks) as T) : x);
