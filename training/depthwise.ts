import { backend, type OpAttribute } from './capture/backend.ts';
import { text, type } from './op-attributes.ts';
import { type Tensor, type Tensor4D, tf } from './tensorflow.ts';

/** Kernels from which on the other way to their gradient pays on a CPU. */
const largeKernel = 5;

/**
 * A convolution of each channel by a kernel of its own.
 *
 * TensorFlow's CPU kernel of the gradient for large kernels is slow: for 7x7 on 64 maps of 16x16x96 it took 21.6 ms of processor
 * time where the convolution took 2.6; on 2x2x768 24.8 and 0.5. The gradient is itself a depthwise convolution, of the input by the
 * gradient of the output, with each image's channels as channels of their own: 9.3 and 3.9 ms. With 3x3 kernels it does not pay.
 *
 * @param x float32 [n, height, width, channels]
 * @param kernel float32 [height, width, channels, 1]
 */
export function depthwiseConvolve(x: Tensor4D, kernel: Tensor4D, stride: number, padding: 'same' | 'valid'): Tensor4D {
  const [size] = kernel.shape;
  if (backend().isUsingGpuDevice || stride !== 1 || padding !== 'same' || size < largeKernel)
    return tf.depthwiseConv2d(x, kernel, stride, padding);
  const convolve = tf.customGrad((...operands) => {
    const [images, weights, save] = operands as [Tensor4D, Tensor4D, (saved: Tensor[]) => void];
    save([images, weights]);
    return {
      value: tf.depthwiseConv2d(images, weights, 1, 'same'),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [input, ofKernel] = saved as [Tensor4D, Tensor4D];
        return [inputGradient(input, ofKernel, dy), kernelGradient(input, dy, size)];
      },
    };
  });
  return convolve(x, kernel) as Tensor4D;
}

function inputGradient(input: Tensor4D, kernel: Tensor4D, dy: Tensor): Tensor {
  const { TF_FLOAT, TF_ATTR_INT } = backend().binding;
  const ones = (name: string): OpAttribute => ({ name, type: TF_ATTR_INT, value: [1, 1, 1, 1] });
  const attributes = [
    type('T', TF_FLOAT),
    ones('strides'),
    text('padding', 'SAME'),
    text('data_format', 'NHWC'),
    ones('dilations'),
  ];
  return backend().executeSingleOutput('DepthwiseConv2dNativeBackpropInput', attributes, [
    tf.tensor1d(input.shape, 'int32'),
    kernel,
    dy,
  ]);
}

/** @returns float32 [size, size, channels, 1] */
function kernelGradient(input: Tensor4D, dy: Tensor, size: number): Tensor {
  const [count, height, width, channels] = input.shape;
  const before = Math.floor((size - 1) / 2);
  const around: [number, number] = [before, size - 1 - before];
  const imagesLast = (images: Tensor) => tf.transpose(images, [1, 2, 0, 3]);
  const border = tf.pad(imagesLast(input), [around, around, [0, 0], [0, 0]]);
  const maps = tf.reshape(border, [1, height + size - 1, width + size - 1, count * channels]) as Tensor4D;
  const kernels = tf.reshape(imagesLast(dy), [height, width, count * channels, 1]) as Tensor4D;
  const ofImages = tf.reshape(tf.depthwiseConv2d(maps, kernels, 1, 'valid'), [size, size, count, channels]);
  return tf.reshape(tf.sum(ofImages, 2), [size, size, channels, 1]);
}
