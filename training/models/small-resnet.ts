import type { EncoderConfig } from '../../contracts/training.ts';
import { relu } from '../ops.ts';
import type { ParameterSpec } from '../parameters.ts';
import { type Tensor4D, tf } from '../tensorflow.ts';
import type { EncoderModel } from './encoder.ts';
import { batchNorm, batchNormParameters, conv, convParameters, globalAveragePool, type Pass } from './layers.ts';
import { staged } from './stages.ts';

/**
 * A pre-activation ResNet of basic blocks (He et al. 2016, arXiv:1603.05027) for small images and machines without an
 * accelerator: a 3x3 stem, then stages of two-convolution blocks; each stage after the first halves the side and doubles
 * the channels. Large images may be halved in the stem (`stemStride`). It takes grey images as they are.
 */

const epsilon = 1e-3;

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly filters: number;
  readonly stride: number;
}

function layout({ channels, blocks }: Extract<EncoderConfig, { name: 'small-resnet' }>): Block[] {
  let inputs = channels;
  return blocks.flatMap((count, stage) => {
    const filters = channels * 2 ** stage;
    return Array.from({ length: count }, (_, index) => {
      const block = {
        name: `stage${stage + 1}_block${index + 1}`,
        inputs,
        filters,
        stride: stage > 0 && index === 0 ? 2 : 1,
      };
      inputs = filters;
      return block;
    });
  });
}

const widens = ({ inputs, filters, stride }: Block) => stride > 1 || inputs !== filters;

const blockParameters = (block: Block): ParameterSpec[] => [
  ...batchNormParameters(`${block.name}_1_bn`, block.inputs),
  ...(widens(block) ? convParameters(`${block.name}_0_conv`, { ...block, kernel: 1, bias: false }) : []),
  ...convParameters(`${block.name}_1_conv`, { ...block, kernel: 3, bias: false }),
  ...batchNormParameters(`${block.name}_2_bn`, block.filters),
  ...convParameters(`${block.name}_2_conv`, { kernel: 3, inputs: block.filters, filters: block.filters, bias: false }),
];

/** On larger images oneDNN's gradient of a strided 1x1 convolution with few channels writes past its memory, and the process dies. */
const largestStridedSide = 32;

/** The shortcut of a block that halves the side or widens. Where strides are not safe, every second pixel is taken first: the same sums. */
function projected(x: Tensor4D, { name, stride }: Block, pass: Pass): Tensor4D {
  const layer = `${name}_0_conv`;
  if (stride === 1 || x.shape[1] <= largestStridedSide) return conv(x, layer, stride, 'same', pass);
  return conv(tf.maxPool(x, 1, stride, 'same'), layer, 1, 'same', pass);
}

function residual(x: Tensor4D, block: Block, pass: Pass): Tensor4D {
  const { name, stride } = block;
  const preactivated = relu(batchNorm(x, `${name}_1_bn`, epsilon, pass));
  const shortcut = widens(block) ? projected(preactivated, block, pass) : x;
  let y = conv(preactivated, `${name}_1_conv`, stride, 'same', pass);
  y = relu(batchNorm(y, `${name}_2_bn`, epsilon, pass));
  return tf.add(shortcut, conv(y, `${name}_2_conv`, 1, 'same', pass));
}

/** @returns an encoder whose embedding is as long as its last stage has channels */
export function smallResnet(
  config: Extract<EncoderConfig, { name: 'small-resnet' }>,
  imageChannels: number,
): EncoderModel {
  const blocks = layout(config);
  const dimension = config.channels * 2 ** (config.blocks.length - 1);
  return {
    channels: imageChannels,
    dimension,
    ...staged([
      [
        'all',
        [
          ...convParameters('stem_conv', { kernel: 3, inputs: imageChannels, filters: config.channels, bias: false }),
          ...blocks.flatMap(blockParameters),
          ...batchNormParameters('post_bn', dimension),
        ],
      ],
    ]),
    embed: (images, pass) => {
      let x = conv(images, 'stem_conv', config.stemStride ?? 1, 'same', pass);
      for (const block of blocks) x = residual(x, block, pass);
      return globalAveragePool(relu(batchNorm(x, 'post_bn', epsilon, pass)));
    },
  };
}
