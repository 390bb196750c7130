import { gelu } from '../activations.ts';
import { normaliseRows } from '../normalise-rows.ts';
import { firstAlong, reshapeRows } from '../open-shapes.ts';
import { type ParameterSpec, variable } from '../parameters.ts';
import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import type { EncoderModel } from './encoder.ts';
import type { Pass } from './layers.ts';
import { type Grid, resamplingMatrix } from './resample-grid.ts';
import { staged } from './stages.ts';
import {
  branch,
  convolution,
  convolutionParameters,
  layerNorm,
  layerNormParameters,
  layerScaleParameters,
  linear,
  linearParameters,
} from './timm-layers.ts';

/**
 * The vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929) as timm has it, by its names; with LayerScale as in DINOv2
 * (arXiv:2304.07193), and with its register tokens (arXiv:2309.16588). The embedding is the class token after the last norm.
 *
 * With registers, class token and registers get no position embedding, as in timm's reg4 models (`no_embed_class`).
 */

export interface VitShape {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly patch: number;
  readonly registers: number;
  readonly layerScale: boolean;
  /** Of the position embedding. Images with another grid of patches get it resampled. */
  readonly grid: Grid;
}

export const vitSizes = {
  small: { width: 384, depth: 12, heads: 6 },
  base: { width: 768, depth: 12, heads: 12 },
} as const;

const epsilon = 1e-6;
const expansion = 4;
const layerScaleBegin = 1e-5;
/** timm cuts the normal distribution off at 2, which is 100 deviations. */
const begins = { weight: { normal: 0.02 }, bias: 'zeros' } as const;

function embedParameters({ width, patch, registers, grid }: VitShape): ParameterSpec[] {
  const positions = grid[0] * grid[1] + (registers > 0 ? 0 : 1);
  const token = (name: string, count: number, normal: number): ParameterSpec => ({
    name,
    shape: [1, count, width],
    initializer: { normal },
    trainable: true,
    decays: false,
  });
  // PyTorch's own for convolutions.
  const uniform = { uniform: 1 / Math.sqrt(3 * patch ** 2) };
  return [
    token('cls_token', 1, 1e-6),
    ...(registers > 0 ? [token('reg_token', registers, 1e-6)] : []),
    token('pos_embed', positions, 0.02),
    ...convolutionParameters(
      'patch_embed.proj',
      { kernel: patch, inputs: 3, filters: width },
      { weight: uniform, bias: uniform },
    ),
  ];
}

function blockParameters(name: string, { width, layerScale }: VitShape): ParameterSpec[] {
  const scale = (of: string) => (layerScale ? layerScaleParameters(`${name}.${of}.gamma`, width, layerScaleBegin) : []);
  return [
    ...layerNormParameters(`${name}.norm1`, width),
    ...linearParameters(`${name}.attn.qkv`, width, 3 * width, begins),
    ...linearParameters(`${name}.attn.proj`, width, width, begins),
    ...scale('ls1'),
    ...layerNormParameters(`${name}.norm2`, width),
    ...linearParameters(`${name}.mlp.fc1`, width, expansion * width, begins),
    ...linearParameters(`${name}.mlp.fc2`, expansion * width, width, begins),
    ...scale('ls2'),
  ];
}

/**
 * Class token, registers and what is added to the patches.
 *
 * @param grid of the image
 * @returns float32 [1, tokens, width]
 */
function tokensOf({ width, registers, grid: own }: VitShape, grid: Grid, { variables }: Pass): Tensor {
  const positions = variable(variables, 'pos_embed') as Tensor;
  const cells = own[0] * own[1];
  const prefix = registers > 0 ? 0 : 1;
  const ofCells = tf.reshape(tf.slice(positions, [0, prefix, 0], [1, cells, width]), [cells, width]);
  const isSame = own[0] === grid[0] && own[1] === grid[1];
  const count = grid[0] * grid[1];
  const resampled = isSame
    ? ofCells
    : tf.matMul(tf.tensor2d(resamplingMatrix(own, grid), [count, cells]), ofCells as Tensor2D);
  const patches = tf.reshape(resampled, [1, count, width]);
  const token = variable(variables, 'cls_token') as Tensor;
  return registers > 0
    ? tf.concat([token, variable(variables, 'reg_token') as Tensor, patches], 1)
    : tf.concat([tf.add(token, tf.slice(positions, [0, 0, 0], [1, 1, width])), patches], 1);
}

/** @returns float32 [n, tokens, 1, width] */
function embedPatches(images: Tensor4D, shape: VitShape, pass: Pass): Tensor4D {
  const { width, registers, patch } = shape;
  const patches = convolution(images, 'patch_embed.proj', { stride: patch, padding: 0 }, pass);
  const [, height, across] = patches.shape;
  const prefix = registers + 1;
  // Zeros make room for the tokens before the patches, so the sum writes them in for any number of images.
  const room = tf.pad(reshapeRows<Tensor>(patches, [height * across, width]), [
    [0, 0],
    [prefix, 0],
    [0, 0],
  ]);
  return reshapeRows<Tensor4D>(tf.add(room, tokensOf(shape, [height, across], pass)), [
    prefix + height * across,
    1,
    width,
  ]);
}

/** Attention of all heads (arXiv:1706.03762); `onlyFirst` asks for the first token's alone. */
function attention(x: Tensor4D, name: string, shape: VitShape, onlyFirst: boolean, pass: Pass): Tensor4D {
  const { width, heads, layerScale } = shape;
  const size = width / heads;
  const tokens = x.shape[1];
  const joined = linear(normaliseRows(x, epsilon), `${name}.attn.qkv`, { norm: `${name}.norm1` }, pass);
  const parted = tf.transpose(reshapeRows<Tensor>(joined, [tokens, 3, heads, size]), [2, 0, 3, 1, 4]);
  const [queries, keys, values] = tf.unstack(parted) as [Tensor4D, Tensor4D, Tensor4D];
  const asking = onlyFirst ? firstAlong(queries, 2) : queries;
  const shares = tf.softmax(tf.matMul(tf.mul(asking, 1 / Math.sqrt(size)), keys, false, true));
  const gathered = tf.transpose(tf.matMul(shares, values), [0, 2, 1, 3]);
  const rows = reshapeRows<Tensor4D>(gathered, [onlyFirst ? 1 : tokens, 1, width]);
  return linear(rows, `${name}.attn.proj`, layerScale ? { scale: `${name}.ls1.gamma` } : {}, pass);
}

function perceptron(x: Tensor4D, name: string, { layerScale }: VitShape, pass: Pass): Tensor4D {
  const hidden = gelu(linear(normaliseRows(x, epsilon), `${name}.mlp.fc1`, { norm: `${name}.norm2` }, pass));
  return linear(hidden, `${name}.mlp.fc2`, layerScale ? { scale: `${name}.ls2.gamma` } : {}, pass);
}

/** @returns an encoder of 3-channel images with an embedding as long as a token */
export function vit(shape: VitShape): EncoderModel {
  const { width, depth } = shape;
  const names = Array.from({ length: depth }, (_, index) => `blocks.${index}`);
  return {
    channels: 3,
    dimension: width,
    ...staged([
      ['embed', embedParameters(shape)],
      ...names.map((name) => [name, blockParameters(name, shape)] as const),
      ['norm', layerNormParameters('norm', width)],
    ]),
    embed: (images, pass) => {
      let x = embedPatches(images, shape, pass);
      names.forEach((name, block) => {
        const at = { block, blocks: depth };
        // After the last attention nothing looks at the other tokens.
        const isLast = block === depth - 1;
        const attended = branch(attention(x, name, shape, isLast, pass), at, pass);
        x = tf.add(attended, isLast ? firstAlong(x, 1) : x);
        x = tf.add(branch(perceptron(x, name, shape, pass), at, pass), x);
      });
      return reshapeRows<Tensor2D>(layerNorm(x, 'norm', epsilon, pass), [width]);
    },
  };
}
