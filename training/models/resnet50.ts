import { relu } from '../ops.ts';
import type { ParameterSpec } from '../parameters.ts';
import { type Tensor4D, tf } from '../tensorflow.ts';
import type { EncoderModel } from './encoder.ts';
import { globalAveragePool, type Pass, pad } from './layers.ts';
import { staged } from './stages.ts';
import { batchNorm, batchNormParameters, branch, convolution, convolutionParameters } from './timm-layers.ts';

/**
 * ResNet-50 v1.5 (He et al. 2015, arXiv:1512.03385; the stride in the 3x3 convolution) as torchvision and timm have it, by their
 * names: 23,508,032 weights and 53,120 moving statistics. Any size.
 */

const epsilon = 1e-5;
const expansion = 4;

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly width: number;
  readonly stride: number;
}

const widens = ({ inputs, width, stride }: Block) => stride > 1 || inputs !== width * expansion;

/** Normal with the variance 2 / fan-out (He et al. 2015, arXiv:1502.01852). */
const conv = (name: string, kernel: number, inputs: number, filters: number): ParameterSpec[] =>
  convolutionParameters(
    name,
    { kernel, inputs, filters },
    { weight: { normal: Math.sqrt(2 / (kernel ** 2 * filters)) } },
  );

function blockParameters(block: Block): ParameterSpec[] {
  const { name, inputs, width } = block;
  const outputs = width * expansion;
  return [
    ...conv(`${name}.conv1`, 1, inputs, width),
    ...batchNormParameters(`${name}.bn1`, width),
    ...conv(`${name}.conv2`, 3, width, width),
    ...batchNormParameters(`${name}.bn2`, width),
    ...conv(`${name}.conv3`, 1, width, outputs),
    // The branch begins at zero, as in timm.
    ...batchNormParameters(`${name}.bn3`, outputs, 'zeros'),
    ...(widens(block)
      ? [...conv(`${name}.downsample.0`, 1, inputs, outputs), ...batchNormParameters(`${name}.downsample.1`, outputs)]
      : []),
  ];
}

/** A convolution of one pixel with a stride takes every second pixel: taken first, it is a matrix product, and safe in oneDNN. */
function shortcut(x: Tensor4D, block: Block, pass: Pass): Tensor4D {
  if (!widens(block)) return x;
  const { name, stride } = block;
  const seen = stride === 1 ? x : tf.maxPool(x, 1, stride, 'valid');
  const y = convolution(seen, `${name}.downsample.0`, { stride: 1, padding: 0 }, pass);
  return batchNorm(y, `${name}.downsample.1`, epsilon, pass);
}

function bottleneck(x: Tensor4D, block: Block, at: { block: number; blocks: number }, pass: Pass): Tensor4D {
  const { name, stride } = block;
  let y = convolution(x, `${name}.conv1`, { stride: 1, padding: 0 }, pass);
  y = relu(batchNorm(y, `${name}.bn1`, epsilon, pass));
  y = convolution(y, `${name}.conv2`, { stride, padding: 1 }, pass);
  y = relu(batchNorm(y, `${name}.bn2`, epsilon, pass));
  y = convolution(y, `${name}.conv3`, { stride: 1, padding: 0 }, pass);
  y = batchNorm(y, `${name}.bn3`, epsilon, pass);
  return relu(tf.add(branch(y, at, pass), shortcut(x, block, pass)) as Tensor4D);
}

/**
 * @param depths blocks of each stage
 * @returns an encoder of 3-channel images with an embedding of 2048 numbers, for four stages
 */
export function resnet50(depths: readonly number[] = [3, 4, 6, 3]): EncoderModel {
  let inputs = 64;
  const stages = depths.map((count, stage) =>
    Array.from({ length: count }, (_, index): Block => {
      const width = 64 * 2 ** stage;
      const block = { name: `layer${stage + 1}.${index}`, inputs, width, stride: stage > 0 && index === 0 ? 2 : 1 };
      inputs = width * expansion;
      return block;
    }),
  );
  const blocks = stages.flat();
  return {
    channels: 3,
    dimension: inputs,
    ...staged([
      ['stem', [...conv('conv1', 7, 3, 64), ...batchNormParameters('bn1', 64)]],
      ...stages.map((each, stage) => [`layer${stage + 1}`, each.flatMap(blockParameters)] as const),
    ]),
    embed: (images, pass) => {
      let x = convolution(images, 'conv1', { stride: 2, padding: 3 }, pass);
      x = relu(batchNorm(x, 'bn1', epsilon, pass));
      // No value is below zero, so a border of zeros is as good as PyTorch's of minus infinity.
      x = tf.maxPool(pad(x, 1), 3, 2, 'valid');
      blocks.forEach((block, index) => {
        x = bottleneck(x, block, { block: index, blocks: blocks.length }, pass);
      });
      return globalAveragePool(x);
    },
  };
}
