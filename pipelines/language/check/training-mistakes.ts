import { problemWithSize } from '../../../contracts/encoder-sizes.ts';
import { stageNames } from '../../../contracts/encoder-stages.ts';
import { learnsClasses, namedLoss } from '../../../contracts/losses.ts';
import { normalisationOf } from '../../../contracts/normalise.ts';
import {
  type ContrastiveConfig,
  type EncoderConfig,
  goesByLabels,
  isContrastive,
  type TrainingConfig,
} from '../../../contracts/training.ts';
import type { Path } from '../problems/problems.ts';
import type { Known, KnownData, TrainingSettings } from './known-steps.ts';

/** A mistake in a step's `with`, at a path in it. */
export interface Mistake {
  readonly path: Path;
  readonly message: string;
}

/** What a training refuses as soon as it begins, and can be known before. */
export function trainingMistakes(known: Known<TrainingSettings>, data: KnownData | null): Mistake[] {
  const { values, isOpen } = known;
  const unless = (names: readonly string[], find: () => Mistake[]) => (names.some(isOpen) ? [] : find());
  return [
    ...unless(['encoder'], () => encoderMistakes(values.encoder, data)),
    ...unless(['encoder', 'normalise'], () => channelMistakes(values.encoder, values.normalise, data)),
    ...unless(['batch', 'microbatch', 'sampler'], () => microbatchMistakes(values)),
    ...unless(['batch', 'microbatch', 'sampler', 'replicas'], () => replicasMistakes(values)),
    ...unless(['batch', 'microbatch', 'syncBatchNorm'], () => jointMistakes(values)),
    ...unless(['sampler', 'loss'], () => samplerMistakes(values, data)),
    ...unless(['engine', 'precision', 'replicas', 'syncBatchNorm'], () => engineMistakes(values)),
    ...(isContrastive(values)
      ? [
          ...unless(['freeze', 'encoder', 'projection', 'loss'], () => frozenMistakes(values)),
          ...unless(['multiCrop', 'encoder'], () => smallViewMistakes(values, data)),
          ...unless(['loss'], () => labelMistakes(values, data)),
        ]
      : []),
  ];
}

/** Whether an encoder takes the images of a data set. */
export function encoderMistakes(encoder: EncoderConfig, data: KnownData | null): Mistake[] {
  if (data?.side == null) return [];
  const problem = problemWithSize(encoder, { height: data.side, width: data.side }, `images of step ${data.step}`);
  return problem === null ? [] : [{ path: ['encoder'], message: problem }];
}

/** Whether it takes as many channels as pixels are normalised by. */
export function channelMistakes(
  encoder: EncoderConfig,
  normalise: TrainingConfig['normalise'],
  data: KnownData | null,
): Mistake[] {
  const numbers = normalisationOf(normalise, { mean: [], deviation: [] }).mean.length;
  // All others repeat grey images to three channels.
  if (encoder.name !== 'small-resnet' || data?.channels !== 1 || numbers <= 1) return [];
  return [
    {
      path: ['normalise'],
      message: `normalise has numbers for ${numbers} channels, and small-resnet takes the grey images of step ${data.step} as they are; write normalise: half or one number, choose another encoder, or prepare the data with channels: 3`,
    },
  ];
}

/** The images that a batch may have. A balanced one has as many classes as there are, but no more than fit. */
function batchSizes({ batch, sampler }: TrainingConfig): readonly number[] {
  const perClass = sampler?.balanced.perClass;
  return perClass === undefined
    ? [batch]
    : Array.from({ length: Math.floor(batch / perClass) }, (_, at) => (at + 1) * perClass);
}

function microbatchMistakes(config: TrainingConfig): Mistake[] {
  const { batch, microbatch } = config;
  if (microbatch === undefined) return [];
  const possible = batchSizes(config).some((size) => size % microbatch === 0);
  return possible ? [] : [{ path: ['microbatch'], message: `microbatch must divide the batch of ${batch} images` }];
}

/** Each device gets whole parts, and as many as the others. */
function replicasMistakes(config: TrainingSettings): Mistake[] {
  const { batch, microbatch, replicas } = config;
  if (typeof replicas !== 'number' || replicas === 1) return [];
  const isShared = (size: number) => microbatch !== undefined && size % (microbatch * replicas) === 0;
  if (batchSizes(config).some(isShared)) return [];
  const remedy =
    batch % replicas === 0
      ? `write microbatch: ${batch / replicas}, or a divisor of it`
      : `choose a batch that is a multiple of ${replicas}, and a microbatch that divides its ${replicas} shares`;
  return [
    {
      path: ['replicas'],
      message: `replicas: ${replicas} shares out the parts of a batch, and ${
        microbatch === undefined
          ? 'without microbatch it is in one part'
          : `those of ${microbatch} images do not come out even`
      }; ${remedy}`,
    },
  ];
}

function jointMistakes({ batch, microbatch, syncBatchNorm }: TrainingConfig): Mistake[] {
  if (!syncBatchNorm || (microbatch !== undefined && microbatch < batch)) return [];
  return [
    {
      path: ['syncBatchNorm'],
      message:
        'syncBatchNorm joins the parts of a batch, and there is one; write a microbatch below batch, or leave it out',
    },
  ];
}

function samplerMistakes(config: TrainingConfig, data: KnownData | null): Mistake[] {
  const within = config.sampler?.balanced.within;
  const mistake = (message: string): Mistake[] => [{ path: ['sampler', 'balanced', 'within'], message }];
  if (within === 'category' && data && !data.categories)
    return mistake(
      `within: category needs categories, and the images of step ${data.step} have none: they come from the column \`category\` of a table, or from a step of your own; leave within out`,
    );
  if (within === 'confused' && goesByLabels(config))
    return mistake(
      'within: confused goes by classes, and loss.supcon.positives by further labels; write within: category, or leave one of them out',
    );
  return [];
}

function engineMistakes({ engine, precision, replicas, syncBatchNorm }: TrainingSettings): Mistake[] {
  if (engine !== 'eager') return [];
  const needs = (what: string, why: string, name: string) => ({
    path: [name],
    message: `${what} is ${why}, so it needs engine: graph`,
  });
  return [
    ...(precision === 'float32' ? [] : [needs(`precision: ${precision}`, 'a rewrite of the graph', 'precision')]),
    ...(typeof replicas === 'number' && replicas > 1
      ? [needs(`replicas: ${replicas}`, 'in the captured graph', 'replicas')]
      : []),
    ...(syncBatchNorm ? [needs('syncBatchNorm', 'in the captured graph', 'syncBatchNorm')] : []),
  ];
}

/** A head without weights, of a loss that has none either, behind an encoder that is frozen. */
function frozenMistakes({ encoder, freeze, projection, loss }: ContrastiveConfig): Mistake[] {
  const isWhole = freeze === 'all' || (freeze !== undefined && freeze.until === stageNames(encoder).at(-1));
  if (!isWhole || projection !== 'none' || learnsClasses(namedLoss(loss).name)) return [];
  return [
    {
      path: ['freeze'],
      message:
        'nothing is left to train: the whole encoder is frozen, and projection: none has no weights; freeze fewer stages, or use a projection',
    },
  ];
}

function smallViewMistakes({ encoder, multiCrop }: ContrastiveConfig, data: KnownData | null): Mistake[] {
  if (!multiCrop) return [];
  const { size } = multiCrop;
  const path = ['multiCrop', 'size'];
  const problem = problemWithSize(encoder, { height: size, width: size }, 'small views (multiCrop.size)');
  if (problem !== null) return [{ path, message: problem }];
  if (data?.side == null || size < data.side) return [];
  return [
    {
      path,
      message: `size must be less than the ${data.side} pixels of the images of step ${data.step}, not ${size}`,
    },
  ];
}

function labelMistakes(config: ContrastiveConfig, data: KnownData | null): Mistake[] {
  if (!goesByLabels(config) || !data || data.labels) return [];
  return [
    {
      path: ['loss', 'supcon', 'positives'],
      message: `positives: ${config.loss.supcon?.positives} needs further labels, and the images of step ${data.step} have none: a table gives them by \`columns.labels\``,
    },
  ];
}
