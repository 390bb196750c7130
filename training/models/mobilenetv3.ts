import { hardSigmoid, hardSwish } from '../activations.ts';
import { reshapeRows } from '../open-shapes.ts';
import { relu } from '../ops.ts';
import type { ParameterSpec } from '../parameters.ts';
import { type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import type { EncoderModel } from './encoder.ts';
import type { Pass } from './layers.ts';
import { staged } from './stages.ts';
import {
  batchNorm,
  batchNormParameters,
  branch,
  convolution,
  convolutionParameters,
  depthwiseConvolution,
  depthwiseParameters,
} from './timm-layers.ts';

/**
 * MobileNetV3 (Howard et al. 2019, arXiv:1905.02244) as timm's mobilenetv3_large_100 and mobilenetv3_small_100, by their names.
 * The embedding is what timm gives with `num_classes=0`: the pooled features after `conv_head` and its activation, 1280 or 1024
 * numbers. Any size.
 */

const epsilon = 1e-5;
const stemWidth = 16;

/** Blocks of one kind in a row. */
interface Row {
  readonly count: number;
  readonly kernel: number;
  /** Of the first block. */
  readonly stride: number;
  /** Widening inside of a block; 1 leaves the first convolution out. */
  readonly expand: number;
  readonly width: number;
  readonly activation: 'relu' | 'hard-swish';
  readonly excite: boolean;
}

const row = (
  [count, kernel, stride, expand, width]: readonly [number, number, number, number, number],
  activation: Row['activation'],
  excite: 'excite' | 'plain' = 'plain',
): Row => ({ count, kernel, stride, expand, width, activation, excite: excite === 'excite' });

/** The stages of blocks, the width of the last convolution before the pool, and that of the head. */
const shapes: Readonly<
  Record<
    'large' | 'small',
    { readonly stages: readonly (readonly Row[])[]; readonly last: number; readonly head: number }
  >
> = {
  large: {
    stages: [
      [row([1, 3, 1, 1, 16], 'relu')],
      [row([1, 3, 2, 4, 24], 'relu'), row([1, 3, 1, 3, 24], 'relu')],
      [row([3, 5, 2, 3, 40], 'relu', 'excite')],
      [
        row([1, 3, 2, 6, 80], 'hard-swish'),
        row([1, 3, 1, 2.5, 80], 'hard-swish'),
        row([2, 3, 1, 2.3, 80], 'hard-swish'),
      ],
      [row([2, 3, 1, 6, 112], 'hard-swish', 'excite')],
      [row([3, 5, 2, 6, 160], 'hard-swish', 'excite')],
    ],
    last: 960,
    head: 1280,
  },
  small: {
    stages: [
      [row([1, 3, 2, 1, 16], 'relu', 'excite')],
      [row([1, 3, 2, 4.5, 24], 'relu'), row([1, 3, 1, 3.67, 24], 'relu')],
      [row([1, 5, 2, 4, 40], 'hard-swish', 'excite'), row([2, 5, 1, 6, 40], 'hard-swish', 'excite')],
      [row([2, 5, 1, 3, 48], 'hard-swish', 'excite')],
      [row([3, 5, 2, 6, 96], 'hard-swish', 'excite')],
    ],
    last: 576,
    head: 1024,
  },
};

/** A multiple of 8 near the value, and no less than nine tenths of it. */
function roundedWidth(value: number): number {
  const rounded = Math.max(8, Math.floor((value + 4) / 8) * 8);
  return rounded < 0.9 * value ? rounded + 8 : rounded;
}

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly middle: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expands: boolean;
  readonly activation: Row['activation'];
  readonly excite: boolean;
}

function layout(stages: readonly (readonly Row[])[]): Block[][] {
  let inputs = stemWidth;
  return stages.map((rows, stage) =>
    rows
      .flatMap((each) => Array.from({ length: each.count }, (_, index) => ({ ...each, isFirst: index === 0 })))
      .map(({ kernel, stride, expand, width, activation, excite, isFirst }, index): Block => {
        const expands = expand !== 1;
        const block = {
          name: `blocks.${stage}.${index}`,
          inputs,
          middle: expands ? roundedWidth(inputs * expand) : inputs,
          outputs: width,
          kernel,
          stride: isFirst ? stride : 1,
          expands,
          activation,
          excite,
        };
        inputs = width;
        return block;
      }),
  );
}

/** Normal with the variance 2 / fan-out, as timm begins. */
const conv = (name: string, kernel: number, inputs: number, filters: number, bias = false): ParameterSpec[] =>
  convolutionParameters(
    name,
    { kernel, inputs, filters },
    { weight: { normal: Math.sqrt(2 / (kernel ** 2 * filters)) }, ...(bias ? { bias: 'zeros' } : {}) },
  );

const depthwise = (name: string, kernel: number, channels: number): ParameterSpec[] =>
  depthwiseParameters(name, { kernel, channels }, { weight: { normal: Math.sqrt(2 / kernel ** 2) } });

/** timm numbers the norms of a block from its first layer on. */
function blockParameters({ name, inputs, middle, outputs, kernel, expands, excite }: Block): ParameterSpec[] {
  const squeezed = roundedWidth(middle * 0.25);
  const [between, last] = expands ? ['bn2', 'bn3'] : ['bn1', 'bn2'];
  return [
    ...(expands ? [...conv(`${name}.conv_pw`, 1, inputs, middle), ...batchNormParameters(`${name}.bn1`, middle)] : []),
    ...depthwise(`${name}.conv_dw`, kernel, middle),
    ...batchNormParameters(`${name}.${between}`, middle),
    ...(excite
      ? [
          ...conv(`${name}.se.conv_reduce`, 1, middle, squeezed, true),
          ...conv(`${name}.se.conv_expand`, 1, squeezed, middle, true),
        ]
      : []),
    ...conv(`${name}.${expands ? 'conv_pwl' : 'conv_pw'}`, 1, middle, outputs),
    ...batchNormParameters(`${name}.${last}`, outputs),
  ];
}

const onePixel = { stride: 1, padding: 0 } as const;

/** Squeeze and excitation (arXiv:1709.01507): a factor for each channel, from the averages of all. */
function squeezeAndExcite(x: Tensor4D, name: string, pass: Pass): Tensor4D {
  const pooled = tf.mean(x, [1, 2], true) as Tensor4D;
  const squeezed = relu(convolution(pooled, `${name}.conv_reduce`, onePixel, pass));
  return tf.mul(x, hardSigmoid(convolution(squeezed, `${name}.conv_expand`, onePixel, pass)));
}

function inverted(x: Tensor4D, block: Block, at: { block: number; blocks: number }, pass: Pass): Tensor4D {
  const { name, inputs, outputs, kernel, stride, expands, activation, excite } = block;
  const activate = activation === 'relu' ? relu : hardSwish;
  const [between, last] = expands ? ['bn2', 'bn3'] : ['bn1', 'bn2'];
  let y = x;
  if (expands) y = activate(batchNorm(convolution(y, `${name}.conv_pw`, onePixel, pass), `${name}.bn1`, epsilon, pass));
  y = depthwiseConvolution(y, `${name}.conv_dw`, { stride, padding: (kernel - 1) / 2 }, pass);
  y = activate(batchNorm(y, `${name}.${between}`, epsilon, pass));
  if (excite) y = squeezeAndExcite(y, `${name}.se`, pass);
  y = convolution(y, `${name}.${expands ? 'conv_pwl' : 'conv_pw'}`, onePixel, pass);
  y = batchNorm(y, `${name}.${last}`, epsilon, pass);
  return stride === 1 && inputs === outputs ? tf.add(branch(y, at, pass), x) : y;
}

/** @returns an encoder of 3-channel images with an embedding of 1280 (large) or 1024 (small) numbers */
export function mobilenetv3(size: 'large' | 'small'): EncoderModel {
  const { stages, last, head } = shapes[size];
  const stagesOfBlocks = layout(stages);
  const blocks = stagesOfBlocks.flat();
  const outputs = blocks.at(-1)?.outputs ?? stemWidth;
  const final = `blocks.${stages.length}.0`;
  const at = (block: number) => ({ block, blocks: blocks.length });
  return {
    channels: 3,
    dimension: head,
    ...staged([
      ['conv_stem', [...conv('conv_stem', 3, 3, stemWidth), ...batchNormParameters('bn1', stemWidth)]],
      ...stagesOfBlocks.map((each, stage) => [`blocks.${stage}`, each.flatMap(blockParameters)] as const),
      [
        `blocks.${stages.length}`,
        [...conv(`${final}.conv`, 1, outputs, last), ...batchNormParameters(`${final}.bn1`, last)],
      ],
      ['conv_head', conv('conv_head', 1, last, head, true)],
    ]),
    embed: (images, pass) => {
      let x = convolution(images, 'conv_stem', { stride: 2, padding: 1 }, pass);
      x = hardSwish(batchNorm(x, 'bn1', epsilon, pass));
      blocks.forEach((block, index) => {
        x = inverted(x, block, at(index), pass);
      });
      x = hardSwish(batchNorm(convolution(x, `${final}.conv`, onePixel, pass), `${final}.bn1`, epsilon, pass));
      const pooled = tf.mean(x, [1, 2], true) as Tensor4D;
      return reshapeRows<Tensor2D>(hardSwish(convolution(pooled, 'conv_head', onePixel, pass)), [head]);
    },
  };
}
