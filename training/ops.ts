import { backend, type OpAttribute } from './capture/backend.ts';
import { flag, integer, number, text, type } from './op-attributes.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from './tensorflow.ts';

/**
 * TensorFlow operations that tfjs has no function for, executed through the backend's own two calls.
 */

const { binding } = backend();

/** The version of the TensorFlow library, and the device that it computes on. */
export function tensorflowBuild(): { readonly version: string; readonly device: 'cpu' | 'gpu' } {
  return { version: binding.TF_Version, device: backend().isUsingGpuDevice ? 'gpu' : 'cpu' };
}

/**
 * Draws from [0, 1) that depend on the seed pair and the shape alone.
 *
 * @param seed int32 [2]
 * @returns float32 of the given shape
 */
export const statelessUniform = (shape: readonly number[], seed: Tensor1D): Tensor =>
  statelessDraws('StatelessRandomUniform', shape, seed);

/** Draws from the standard normal distribution, likewise. */
export const statelessNormal = (shape: readonly number[], seed: Tensor1D): Tensor =>
  statelessDraws('StatelessRandomNormal', shape, seed);

function statelessDraws(op: string, shape: readonly number[], seed: Tensor1D): Tensor {
  const size = tf.tensor1d([...shape], 'int32');
  const draws = backend().executeSingleOutput(
    op,
    [type('dtype', binding.TF_FLOAT), type('T', binding.TF_INT32), type('Tseed', binding.TF_INT32)],
    [size, seed],
  );
  size.dispose();
  return draws;
}

/**
 * Moves bytes into TensorFlow as one uint8 tensor, which tfjs itself has no type for. Use it with `gatherRows` and `floatOfBytes` only.
 *
 * @returns uint8 of the given shape, for which tfjs reports int32
 */
export function byteTensor(bytes: Uint8Array, shape: readonly number[]): Tensor {
  const dtype = binding.TF_UINT8;
  return backend().createOutputTensor({ id: binding.createTensor(shape, dtype, bytes), shape, dtype });
}

/**
 * Picks rows. Unlike `tf.gather` it does not look at the indices in JavaScript, so it can be captured.
 *
 * @param values [n, ...] of any type
 * @param rows int32 [b]
 * @returns [b, ...] of the same type
 */
export function gatherRows(values: Tensor, rows: Tensor1D): Tensor {
  const axis = tf.scalar(0, 'int32');
  const picked = backend().executeSingleOutput(
    'GatherV2',
    [
      type('Tparams', backend().tensorMap.get(values.dataId)?.dtype ?? binding.TF_FLOAT),
      type('Tindices', binding.TF_INT32),
      type('Taxis', binding.TF_INT32),
      integer('batch_dims', 0),
    ],
    [values, rows, axis],
  );
  axis.dispose();
  return picked;
}

/**
 * The same matrix with some rows replaced.
 *
 * @param values float32 [n, width]
 * @param rows int32 [b], all different
 * @param replacements float32 [b, width]
 */
export function updateRows(values: Tensor2D, rows: Tensor1D, replacements: Tensor2D): Tensor2D {
  return tf.tidy(
    () =>
      backend().executeSingleOutput(
        'TensorScatterUpdate',
        [type('T', binding.TF_FLOAT), type('Tindices', binding.TF_INT32)],
        [values, tf.expandDims(rows, 1), replacements],
      ) as Tensor2D,
  );
}

/**
 * Images as the augmentation and the encoders take them: float32 of the same shape, 0 to 1.
 *
 * @param bytes uint8 [n, height, width, channels]
 */
export const imagesOfBytes = (bytes: Tensor): Tensor4D => tf.div(floatOfBytes(bytes), 255);

/** Bytes as numbers: float32 of the same shape, 0 to 255. */
const floatOfBytes = (bytes: Tensor): Tensor =>
  backend().executeSingleOutput(
    'Cast',
    [type('SrcT', binding.TF_UINT8), type('DstT', binding.TF_FLOAT), flag('Truncate', false)],
    [bytes],
  );

/**
 * Images in another size, bilinearly; those that have it are left alone.
 *
 * @param images float32 [n, height, width, channels]
 */
export function resizedTo(
  images: Tensor4D,
  { height, width }: { readonly height: number; readonly width: number },
): Tensor4D {
  const isThere = images.shape[1] === height && images.shape[2] === width;
  return isThere ? images : tf.image.resizeBilinear(images, [height, width], false, true);
}

/**
 * Resamples images under projective transforms, bilinearly, with reflection beyond the edges.
 *
 * @param images float32 [n, height, width, channels]
 * @param transforms float32 [n, 8]: output (x, y) takes input ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1
 * @param size of the output
 * @returns float32 [n, size.height, size.width, channels]
 */
export function projectiveTransform(
  images: Tensor4D,
  transforms: Tensor2D,
  { height, width }: { readonly height: number; readonly width: number },
): Tensor4D {
  return tf.tidy(
    () =>
      backend().executeSingleOutput(
        'ImageProjectiveTransformV3',
        [type('dtype', binding.TF_FLOAT), text('interpolation', 'BILINEAR'), text('fill_mode', 'REFLECT')],
        [images, transforms, tf.tensor1d([height, width], 'int32'), tf.scalar(0)],
      ) as Tensor4D,
  );
}

/**
 * How often each number occurs. Counts are whole, so they come out the same in whatever order a device adds them.
 *
 * @param values int32 of any shape, 0 to `count` - 1
 * @returns float32 [count]; exact up to 2^24
 */
export function occurrences(values: Tensor, count: number): Tensor1D {
  return tf.tidy(
    () =>
      backend().executeSingleOutput(
        'UnsortedSegmentSum',
        [type('T', binding.TF_FLOAT), type('Tindices', binding.TF_INT32), type('Tnumsegments', binding.TF_INT32)],
        [tf.cast(tf.onesLike(values), 'float32'), values, tf.scalar(count, 'int32')],
      ) as Tensor1D,
  );
}

/** Rectifier with TensorFlow's own gradient; tfjs composes it of five operations. */
export function relu(x: Tensor4D): Tensor4D;
export function relu(x: Tensor2D): Tensor2D;
export function relu(x: Tensor): Tensor {
  const rectify = tf.customGrad((...operands) => {
    const [input, save] = operands as [Tensor, (saved: Tensor[]) => void];
    const value = tf.relu(input);
    save([value]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        backend().executeSingleOutput('ReluGrad', [type('T', binding.TF_FLOAT)], [dy, ...saved]),
    };
  });
  return rectify(x);
}

/**
 * Adds a bias to each channel, with TensorFlow's own gradient; tfjs sums over the other axes instead.
 *
 * @param x float32 [..., channels]
 * @param bias float32 [channels]
 */
export function biasAdd(x: Tensor4D, bias: Tensor): Tensor4D;
export function biasAdd(x: Tensor2D, bias: Tensor): Tensor2D;
export function biasAdd(x: Tensor, bias: Tensor): Tensor {
  const attributes = [type('T', binding.TF_FLOAT), text('data_format', 'NHWC')];
  const add = tf.customGrad((...operands) => {
    const [input, offset] = operands as [Tensor, Tensor];
    return {
      value: backend().executeSingleOutput('BiasAdd', attributes, [input, offset]),
      gradFunc: (dy: Tensor) => [tf.clone(dy), backend().executeSingleOutput('BiasAddGrad', attributes, [dy])],
    };
  });
  return add(x, bias);
}

const batchNormAttributes = (epsilon: number, training = true): OpAttribute[] => [
  type('T', binding.TF_FLOAT),
  type('U', binding.TF_FLOAT),
  number('epsilon', epsilon),
  text('data_format', 'NHWC'),
  flag('is_training', training),
];

/**
 * Batch normalisation by given statistics, without a gradient. Unlike `tf.batchNorm` it does not reshape, so it leaves the
 * number of images open.
 *
 * @param x float32 [n, height, width, channels]; the rest float32 [channels]
 */
export function normaliseBy(
  x: Tensor4D,
  { gamma, beta, mean, variance }: Readonly<Record<'gamma' | 'beta' | 'mean' | 'variance', Tensor>>,
  epsilon: number,
): Tensor4D {
  const attributes = batchNormAttributes(epsilon, false);
  const outputs = backend().executeMultipleOutputs('FusedBatchNormV3', attributes, [x, gamma, beta, mean, variance], 6);
  for (const unused of outputs.slice(1)) unused.dispose();
  return outputs[0] as Tensor4D;
}

/** A normalised batch, and the statistics that it was normalised with. */
export interface BatchNormalised {
  readonly output: Tensor4D;
  /** float32 [channels] */
  readonly mean: Tensor1D;
  /** float32 [channels]; biased, as Keras keeps it */
  readonly variance: Tensor1D;
}

/**
 * Batch normalisation by the statistics of the batch itself: one fused operation each way.
 * The statistics are not differentiated through `mean` and `variance`, only through `output`.
 *
 * @param x float32 [n, height, width, channels]
 */
export function fusedBatchNorm(x: Tensor4D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): BatchNormalised {
  const statistics: { mean?: Tensor1D; variance?: Tensor1D } = {};
  const normalise = tf.customGrad((...operands) => {
    const [input, scale, offset, save] = operands as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    const empty = tf.zeros([0]);
    const outputs = backend().executeMultipleOutputs(
      'FusedBatchNormV3',
      [...batchNormAttributes(epsilon), number('exponential_avg_factor', 1)],
      [input, scale, offset, empty, empty],
      6,
    ) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const [value, mean, variance, reserve1, reserve2, reserve3] = outputs;
    const samples = input.size / (input.shape[3] ?? 1);
    // tfjs frees what is made in here; the statistics outlive it and are handed on below.
    statistics.mean = tf.keep(mean) as Tensor1D;
    // The operation returns the unbiased estimate; Keras and tfjs keep the biased one.
    statistics.variance = tf.keep(tf.mul(variance, (samples - 1) / samples));
    save([input, scale, reserve1, reserve2, reserve3]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        backend()
          .executeMultipleOutputs('FusedBatchNormGradV3', batchNormAttributes(epsilon), [dy, ...saved], 5)
          .slice(0, 3),
    };
  });
  const output = normalise(x, gamma, beta) as Tensor4D;
  const { mean, variance } = statistics;
  if (mean === undefined || variance === undefined) throw new Error('batch normalisation gave no statistics');
  return { output, mean: handOver(mean), variance: handOver(variance) };
}

/** The same tensor, owned by the current tidy instead of kept. */
export function handOver(kept: Tensor1D): Tensor1D {
  const owned = tf.clone(kept);
  kept.dispose();
  return owned;
}

/** A scalar, read back. Waits for the device. */
export function scalarValue(scalar: Scalar | Tensor): number {
  return scalar.dataSync()[0] ?? Number.NaN;
}
