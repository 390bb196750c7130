import { type Edge, elementsOf, type GraphNode } from './graph.ts';
import type { Processor } from './processor.ts';

/** A convolution, or one of its two gradients: both have the sizes of the convolution itself. */
export interface Convolution {
  /** [images, height, width, channels] */
  readonly input: readonly number[];
  /** [height, width, input channels, output channels] */
  readonly kernel: readonly number[];
  /** [images, height, width, channels] */
  readonly output: readonly number[];
}

/** Output pixels of an image below which bfloat16 did not pay. */
const fewestPixels = 64;
/** Activations for each weight below which it did not. */
const fewestActivations = 2;

/**
 * Whether a convolution gains by bfloat16.
 *
 * On a GPU always. On a CPU only where its instructions multiply bfloat16: without them TensorFlow emulates the type in
 * both gradients, which took 2 to 30 times as long as float32 for nearly every shape of our encoders (AVX2, 2 cores),
 * and a step of the small ResNet 12 times. With them (AVX-512, AMX) the small ResNet gained in every row of docs/performance.md, and its
 * convolutions are the ones let through here: maps of 8x8 pixels and more, with 3 activations and more for each weight.
 * ResNet50V2 on 32x32 images lost; nine tenths of its weights work on maps of 2x2 and of one pixel.
 */
export function bfloat16Pays({ input, kernel, output }: Convolution, { device, bfloat16 }: Processor): boolean {
  if (device === 'gpu') return true;
  if (!bfloat16) return false;
  const pixels = (output[1] ?? 0) * (output[2] ?? 0);
  return pixels >= fewestPixels && elementsOf(input) + elementsOf(output) >= fewestActivations * elementsOf(kernel);
}

/** The sizes of a convolution node; undefined where one is not known. */
export function convolutionOf(
  { name, op, inputs }: GraphNode,
  shapes: ReadonlyMap<Edge, readonly number[]>,
): Convolution | undefined {
  const [first, second, third] = inputs.map((input) => shapes.get(input));
  const result = shapes.get(name);
  const [input, kernel, output] =
    op === 'Conv2D'
      ? [first, second, result]
      : op === 'Conv2DBackpropInput'
        ? [result, second, third]
        : [first, result, third];
  return input && kernel && output ? { input, kernel, output } : undefined;
}
