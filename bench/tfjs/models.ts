import type { EncoderConfig } from '../../contracts/training.ts';
import { tf } from '../../training/tensorflow.ts';

/** The networks of training/models in tfjs's layers, as `keras/models.py` has them in Keras's. */

type Symbolic = ReturnType<typeof tf.input>;
type Model = ReturnType<typeof tf.model>;

const projection = { hidden: 512, output: 128 };
/** ResNet50V2's stages; the stride is in the last block of each. */
const stages = [
  { filters: 64, blocks: 3, stride: 2 },
  { filters: 128, blocks: 4, stride: 2 },
  { filters: 256, blocks: 6, stride: 2 },
  { filters: 512, blocks: 3, stride: 1 },
] as const;

interface Conv {
  readonly stride?: number;
  readonly padding?: 'same' | 'valid';
  readonly bias?: boolean;
}

const conv = (x: Symbolic, filters: number, size: number, { stride = 1, padding = 'same', bias = false }: Conv = {}) =>
  tf.layers
    .conv2d({ filters, kernelSize: size, strides: stride, padding, useBias: bias, kernelInitializer: 'glorotUniform' })
    .apply(x) as Symbolic;

const normaliseAndRectify = (x: Symbolic, epsilon: number): Symbolic =>
  tf.layers.reLU().apply(tf.layers.batchNormalization({ epsilon }).apply(x) as Symbolic) as Symbolic;

const add = (a: Symbolic, b: Symbolic) => tf.layers.add().apply([a, b]) as Symbolic;

const pad = (x: Symbolic, pixels: number) =>
  tf.layers
    .zeroPadding2d({
      padding: [
        [pixels, pixels],
        [pixels, pixels],
      ],
    })
    .apply(x) as Symbolic;

const pool = (x: Symbolic, size: number, stride: number) =>
  tf.layers.maxPooling2d({ poolSize: size, strides: stride, padding: 'valid' }).apply(x) as Symbolic;

function smallResnet(x: Symbolic, channels: number, blocks: readonly number[]): Symbolic {
  const epsilon = 1e-3;
  let y = conv(x, channels, 3);
  let width = channels;
  for (const [stage, count] of blocks.entries()) {
    const filters = channels * 2 ** stage;
    for (let index = 0; index < count; index++) {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      const active = normaliseAndRectify(y, epsilon);
      const shortcut = stride > 1 || width !== filters ? conv(active, filters, 1, { stride }) : y;
      y = add(shortcut, conv(normaliseAndRectify(conv(active, filters, 3, { stride }), epsilon), filters, 3));
      width = filters;
    }
  }
  return normaliseAndRectify(y, epsilon);
}

function resnet50v2(x: Symbolic, imageChannels: number): Symbolic {
  const epsilon = 1.001e-5;
  const colour = imageChannels === 3 ? x : (tf.layers.concatenate().apply([x, x, x]) as Symbolic);
  let y = conv(pad(colour, 3), 64, 7, { stride: 2, padding: 'valid', bias: true });
  y = pool(pad(y, 1), 3, 2);
  for (const { filters, blocks, stride: last } of stages)
    for (let index = 0; index < blocks; index++) {
      const stride = index === blocks - 1 ? last : 1;
      const active = normaliseAndRectify(y, epsilon);
      const shortcut =
        index === 0 ? conv(active, 4 * filters, 1, { stride, bias: true }) : stride > 1 ? pool(y, 1, stride) : y;
      const inner = normaliseAndRectify(conv(active, filters, 1), epsilon);
      const middle =
        stride > 1 ? conv(pad(inner, 1), filters, 3, { stride, padding: 'valid' }) : conv(inner, filters, 3);
      y = add(shortcut, conv(normaliseAndRectify(middle, epsilon), 4 * filters, 1, { bias: true }));
    }
  return normaliseAndRectify(y, epsilon);
}

/** The encoder and its projection head. */
export function withHead(encoder: EncoderConfig, image: readonly [number, number, number]): Model {
  if (encoder.name === 'resnet50v2' && encoder.stem !== 'imagenet')
    throw new Error(`the peer has no ResNet50V2 with the stem ${encoder.stem}`);
  if (encoder.name !== 'small-resnet' && encoder.name !== 'resnet50v2')
    throw new Error(`the peer has no ${encoder.name}`);
  const inputs = tf.input({ shape: [...image] });
  const maps =
    encoder.name === 'small-resnet'
      ? smallResnet(inputs, encoder.channels, encoder.blocks)
      : resnet50v2(inputs, image[2]);
  const embedding = tf.layers.globalAveragePooling2d({}).apply(maps) as Symbolic;
  const hidden = tf.layers.dense({ units: projection.hidden, activation: 'relu' }).apply(embedding) as Symbolic;
  return tf.model({ inputs, outputs: tf.layers.dense({ units: projection.output }).apply(hidden) as Symbolic });
}
