import { relu } from '../ops.ts';
import type { ParameterSpec } from '../parameters.ts';
import { type Tensor4D, tf } from '../tensorflow.ts';
import type { EncoderModel } from './encoder.ts';
import { batchNorm, batchNormParameters, conv, convParameters, globalAveragePool, type Pass, pad } from './layers.ts';
import { staged } from './stages.ts';

/**
 * ResNet50V2 exactly as Keras has it (keras.applications.ResNet50V2, include_top=False, pooling='avg'): same layers,
 * same names, 23,564,800 parameters. The `cifar` stem, 3x3 with stride 1 and no pooling, is for small images.
 */

const epsilon = 1.001e-5;

/** Keras puts the stride in the last block of a stage. */
const stages = [
  { name: 'conv2', filters: 64, blocks: 3, stride: 2 },
  { name: 'conv3', filters: 128, blocks: 4, stride: 2 },
  { name: 'conv4', filters: 256, blocks: 6, stride: 2 },
  { name: 'conv5', filters: 512, blocks: 3, stride: 1 },
] as const;

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly filters: number;
  readonly stride: number;
  /** The first block of a stage widens its shortcut by a convolution. */
  readonly widens: boolean;
}

const blocks: readonly Block[] = stages.flatMap(({ name, filters, blocks: count, stride }, stage) =>
  Array.from({ length: count }, (_, index) => ({
    name: `${name}_block${index + 1}`,
    inputs: index > 0 ? filters * 4 : stage === 0 ? 64 : filters * 2,
    filters,
    stride: index === count - 1 ? stride : 1,
    widens: index === 0,
  })),
);

const blockParameters = ({ name, inputs, filters, widens }: Block): ParameterSpec[] => [
  ...batchNormParameters(`${name}_preact_bn`, inputs),
  ...(widens ? convParameters(`${name}_0_conv`, { kernel: 1, inputs, filters: filters * 4, bias: true }) : []),
  ...convParameters(`${name}_1_conv`, { kernel: 1, inputs, filters, bias: false }),
  ...batchNormParameters(`${name}_1_bn`, filters),
  ...convParameters(`${name}_2_conv`, { kernel: 3, inputs: filters, filters, bias: false }),
  ...batchNormParameters(`${name}_2_bn`, filters),
  ...convParameters(`${name}_3_conv`, { kernel: 1, inputs: filters, filters: filters * 4, bias: true }),
];

function block(x: Tensor4D, { name, stride, widens }: Block, pass: Pass): Tensor4D {
  const preactivated = relu(batchNorm(x, `${name}_preact_bn`, epsilon, pass));
  const shortcut = widens
    ? conv(preactivated, `${name}_0_conv`, stride, 'valid', pass)
    : stride > 1
      ? tf.maxPool(x, 1, stride, 'valid')
      : x;
  let y = conv(preactivated, `${name}_1_conv`, 1, 'valid', pass);
  y = relu(batchNorm(y, `${name}_1_bn`, epsilon, pass));
  // With stride 1, "same" is a pad of 1 that costs no copy; with stride 2 it would pad the other side.
  y =
    stride === 1
      ? conv(y, `${name}_2_conv`, 1, 'same', pass)
      : conv(pad(y, 1), `${name}_2_conv`, stride, 'valid', pass);
  y = relu(batchNorm(y, `${name}_2_bn`, epsilon, pass));
  return tf.add(shortcut, conv(y, `${name}_3_conv`, 1, 'valid', pass));
}

/** @returns an encoder of 3-channel images with a 2048-dimensional embedding */
export function resnet50v2(stem: 'imagenet' | 'cifar'): EncoderModel {
  const kernel = stem === 'imagenet' ? 7 : 3;
  return {
    channels: 3,
    dimension: 2048,
    ...staged([
      [
        'all',
        [
          ...convParameters('conv1_conv', { kernel, inputs: 3, filters: 64, bias: true }),
          ...blocks.flatMap(blockParameters),
          ...batchNormParameters('post_bn', 2048),
        ],
      ],
    ]),
    embed: (images, pass) => {
      let x =
        stem === 'imagenet'
          ? tf.maxPool(pad(conv(pad(images, 3), 'conv1_conv', 2, 'valid', pass), 1), 3, 2, 'valid')
          : conv(images, 'conv1_conv', 1, 'same', pass);
      for (const each of blocks) x = block(x, each, pass);
      return globalAveragePool(relu(batchNorm(x, 'post_bn', epsilon, pass)));
    },
  };
}
