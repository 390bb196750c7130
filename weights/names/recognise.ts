import type { WeightNames } from '../../contracts/initial-weights.ts';
import { encoderSchema } from '../../contracts/training.ts';

type Setting = string | number | boolean | readonly number[];

/** What a file of weights looks like. */
export interface Recognised {
  /** The name of an encoder's config. */
  readonly encoder: string;
  readonly names: WeightNames;
  /** Settings of the encoder that names and shapes tell. */
  readonly settings: Readonly<Record<string, Setting>>;
  /** Whether there is a layer on the encoder that was put on it later. */
  readonly adapter: boolean;
}

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** A tensor that only one kind of network has under such a name, and where its settings stand. */
interface Mark {
  readonly encoder: string;
  readonly names: WeightNames;
  readonly tensor: RegExp;
  /**
   * Of one whose names are timm's also where the file is Contrail's: the kernel of its first convolution, of images of three channels.
   * PyTorch keeps it as [outputs, 3, rows, columns], Contrail as [rows, columns, 3, outputs].
   */
  readonly first?: RegExp;
  /** @param find the shape of the first tensor of such a name, a kernel's as PyTorch keeps it where there is `first` */
  readonly settings: (
    find: (end: RegExp) => readonly number[] | null,
    names: readonly string[],
  ) => Record<string, Setting | null>;
}

const isAdapter = (name: string) => /(^|\.)adapter_(hidden|output)\/kernel$/.test(name);

const sizes: Readonly<Record<string, string>> = { '384': 'small', '768': 'base', '1024': 'large' };
const sideOf = (positions: number) =>
  [positions, positions - 1].map(Math.sqrt).find((side) => Number.isInteger(side)) ?? null;

/** LayerScale goes without saying where patches have 14 pixels, as in DINOv2. */
const vitSettings =
  (patch: RegExp, positions: RegExp, registers: RegExp, scale: RegExp): Mark['settings'] =>
  (find) => ({
    size: sizes[String(find(patch)?.[0])] ?? null,
    patch: find(patch)?.[2] ?? null,
    registers: find(registers)?.[1] ?? 0,
    grid: sideOf(find(positions)?.[1] ?? 0),
    layerScale: (find(scale) !== null) === (find(patch)?.[2] === 14) ? null : find(scale) !== null,
  });

/** By the width of the first stage and whether the third has a tenth block. */
const convnextSettings =
  (stem: RegExp, tenth: RegExp): Mark['settings'] =>
  (find) => {
    const width = find(stem)?.[0];
    const deep = find(tenth) !== null;
    return { size: width === 96 ? (deep ? 'small' : 'tiny') : width === 128 ? 'base' : null };
  };

const none = () => ({});

const marks: readonly Mark[] = [
  {
    encoder: 'vit',
    names: 'timm',
    tensor: /(^|\.)blocks\.0\.attn\.qkv\.weight$/,
    first: /(^|\.)patch_embed\.proj\.weight$/,
    settings: vitSettings(
      /(^|\.)patch_embed\.proj\.weight$/,
      /(^|\.)pos_embed$/,
      /(^|\.)reg_token$/,
      /(^|\.)blocks\.0\.ls1\.gamma$/,
    ),
  },
  {
    encoder: 'vit',
    names: 'transformers',
    tensor: /(^|\.)encoder\.layer\.0\.attention\.attention\.query\.weight$/,
    settings: vitSettings(
      /(^|\.)embeddings\.patch_embeddings\.projection\.weight$/,
      /(^|\.)embeddings\.position_embeddings$/,
      /(^|\.)embeddings\.register_tokens$/,
      /(^|\.)encoder\.layer\.0\.layer_scale1\.lambda1$/,
    ),
  },
  {
    encoder: 'convnext',
    names: 'timm',
    tensor: /(^|\.)stages\.0\.blocks\.0\.conv_dw\.weight$/,
    first: /(^|\.)stem\.0\.weight$/,
    settings: convnextSettings(/(^|\.)stem\.0\.weight$/, /(^|\.)stages\.2\.blocks\.9\.conv_dw\.weight$/),
  },
  {
    encoder: 'convnext',
    names: 'transformers',
    tensor: /(^|\.)encoder\.stages\.0\.layers\.0\.dwconv\.weight$/,
    settings: convnextSettings(
      /(^|\.)embeddings\.patch_embeddings\.weight$/,
      /(^|\.)encoder\.stages\.2\.layers\.9\.dwconv\.weight$/,
    ),
  },
  {
    encoder: 'mobilenetv3',
    names: 'timm',
    tensor: /(^|\.)blocks\.0\.0\.conv_dw\.weight$/,
    first: /(^|\.)conv_stem\.weight$/,
    settings: mobilenetSettings,
  },
  {
    encoder: 'resnet50',
    names: 'timm',
    tensor: /(^|\.)layer3\.5\.conv3\.weight$/,
    first: /(^|\.)conv1\.weight$/,
    settings: none,
  },
  {
    encoder: 'resnet50',
    names: 'transformers',
    tensor: /(^|\.)encoder\.stages\.2\.layers\.5\.layer\.2\.convolution\.weight$/,
    settings: none,
  },
  {
    encoder: 'resnet50v2',
    names: 'keras',
    tensor: /^conv5_block3_preact_bn\/gamma$/,
    settings: (find) => ({ stem: find(/^conv1_conv\/kernel$/)?.[0] === 3 ? 'cifar' : 'imagenet' }),
  },
  {
    encoder: 'small-resnet',
    names: 'contrail',
    tensor: /^stage1_block1_1_conv\/kernel$/,
    settings: (find, names) => ({ channels: find(/^stem_conv\/kernel$/)?.[3] ?? null, blocks: blocksIn(names) }),
  },
];

/** How many blocks each stage of a small ResNet has; null where no block has such a name. */
function blocksIn(names: readonly string[]): readonly number[] | null {
  const blocks: number[] = [];
  for (const name of names) {
    const [, stage, block] = /^stage([1-5])_block([1-9]\d?)_1_conv\/kernel$/.exec(name) ?? [];
    if (stage !== undefined) blocks[Number(stage) - 1] = Math.max(blocks[Number(stage) - 1] ?? 0, Number(block));
  }
  return blocks.length > 0 ? [...blocks].map((count = 0) => count) : null;
}

function mobilenetSettings(find: (end: RegExp) => readonly number[] | null) {
  return { size: find(/(^|\.)blocks\.6\.0\.conv\.weight$/) ? 'large' : 'small' };
}

/** What network a file of weights is of, by names and shapes alone; null where it is none that can be trained here. */
export function recognise(tensors: Shapes): Recognised | null {
  const names = [...tensors.keys()];
  const shapeAt = (end: RegExp) => {
    const name = names.find((each) => end.test(each));
    return name === undefined ? null : (tensors.get(name)?.shape ?? null);
  };
  const mark = marks.find(({ tensor }) => shapeAt(tensor) !== null);
  if (!mark) return null;
  const isOwn = mark.first !== undefined && hasOwnOrder(shapeAt(mark.first));
  const find = (end: RegExp) => {
    const shape = shapeAt(end);
    return isOwn && shape?.length === 4 ? [3, 2, 0, 1].map((axis) => shape[axis] as number) : shape;
  };
  const settings = Object.entries(mark.settings(find, names)).flatMap(([key, value]) =>
    value === null ? [] : [[key, value] as const],
  );
  return {
    encoder: mark.encoder,
    names: isOwn ? 'contrail' : mark.names,
    settings: Object.fromEntries(settings),
    adapter: names.some(isAdapter),
  };
}

/** A kernel of 3 x 3 has a 3 in both places. */
const hasOwnOrder = (kernel: readonly number[] | null): boolean => {
  const [first = 0, second = 0, third = 0, last = 0] = kernel ?? [];
  return third === 3 && (second !== 3 || first < last);
};

const settingText = (value: Setting) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value));

/** Settings that a pipeline cannot give the encoder: shapes of a stranger's file tell anything. */
export const refusedSettings = ({ encoder, settings }: Recognised): string[] =>
  Object.entries(settings).flatMap(([key, value]) =>
    encoderSchema.safeParse({ name: encoder, [key]: value }).success ? [] : [`${key}: ${settingText(value)}`],
  );

/** What a pipeline writes to have that encoder: `{ name: convnext, size: tiny }`. */
export const encoderText = ({ encoder, settings }: Pick<Recognised, 'encoder' | 'settings'>): string =>
  `{ name: ${encoder}${Object.entries(settings)
    .map(([key, value]) => `, ${key}: ${settingText(value)}`)
    .join('')} }`;
