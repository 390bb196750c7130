import type { LossName } from '../contracts/losses.ts';
import {
  classifierConfigSchema,
  type ReplicasSetting,
  type TrainingConfig,
  trainingConfigSchema,
} from '../contracts/training.ts';
import type { LoadedSplit } from '../datasets/index.ts';
import { type CaptureReport, capture, eagerExecution } from '../training/capture/index.ts';
import { choosePassage } from '../training/choose-replicas.ts';
import { copiedValues } from '../training/copied-values.ts';
import { compileMicrobatches, microbatchVariables, sessionOfParts } from '../training/microbatch.ts';
import { createTrainingModel } from '../training/model.ts';
import { createVariables } from '../training/parameters.ts';
import { residentImages } from '../training/resident-images.ts';
import { trainingStep } from '../training/step.ts';
import type { StepWorkload } from './step-peer.ts';
import { imageShape } from './workloads.ts';

/** A training on made images, step by step. The first step captures it. */
export interface Ours {
  readonly parameters: number;
  readonly run: (count: number) => { readonly milliseconds: number[]; readonly losses: number[] };
  /** All variables by name, the optimizer's among them. */
  readonly state: () => ReadonlyMap<string, Float32Array>;
  /** Of each variable. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly resident: LoadedSplit;
  /** What was captured; null where steps run operation by operation. */
  readonly captured: { readonly report: () => CaptureReport; readonly savedModel: () => Uint8Array } | null;
  /** Overwrites variables. */
  readonly write: (values: ReadonlyMap<string, Float32Array>) => void;
  readonly dispose: () => void;
}

/** A workload, and what only our side of it knows. */
export interface OwnWorkload extends Omit<StepWorkload, 'image'> {
  /** @default `imageShape` */
  readonly image?: StepWorkload['image'];
  readonly engine?: TrainingConfig['engine'];
  /** @default the tutorial's */
  readonly augmentation?: unknown;
  readonly multiCrop?: unknown;
  /** Parameters such as `freeze` and `ema`. */
  readonly fineTuning?: Readonly<Record<string, unknown>>;
  /** How a batch passes in parts: `microbatch`, `replicas`, `syncBatchNorm`. Absent: in one part. */
  readonly parts?: {
    readonly microbatch: number;
    readonly replicas?: ReplicasSetting;
    readonly syncBatchNorm?: boolean;
  };
  /** @default SupCon without a queue */
  readonly loss?: Readonly<Record<string, unknown>> | LossName;
}

const classes = 10;
/** Large ones take their time to make. */
const imagesOf = ([height, width]: StepWorkload['image']) => (height * width > 64 * 64 ? 256 : 1024);

export function openOurs({
  image = imageShape,
  encoder,
  batch,
  optimizer,
  precision,
  fineTuning,
  parts: { replicas, ...parts } = { microbatch: batch },
  ...settings
}: OwnWorkload): Ours {
  const [height, width, channels] = image;
  const count = imagesOf(image);
  const schema =
    typeof settings.loss === 'object' && 'crossEntropy' in settings.loss
      ? classifierConfigSchema
      : trainingConfigSchema;
  const given = { encoder, batch, optimizer, precision, ...settings, ...fineTuning, ...parts };
  const config: TrainingConfig = schema.parse(given);
  const inParts = parts.microbatch < batch;
  const sizes = { batch, ...parts, replicas: choosePassage(replicas, { ...config, ...parts }).parts };
  const model = createTrainingModel(config, { height, width, channels, mean: [0.5], deviation: [0.3] }, classes);
  const resident = makeImages(image);
  const state = {
    variables: createVariables([...model.state, ...(inParts ? microbatchVariables(model, sizes) : [])], config.seed),
    resident: { ...residentImages(resident) },
  };
  const session = inParts ? { session: sessionOfParts(sizes.replicas) } : {};
  const captured = config.engine === 'graph' ? capture(state, { precision: config.precision, ...session }) : null;
  const execution = captured ?? eagerExecution(state);
  const stepsPerEpoch = Math.max(1, Math.floor(count / batch));
  const step = inParts
    ? compileMicrobatches(execution, model, config, { ...sizes, stepsPerEpoch })
    : execution.compile(trainingStep(model, config, stepsPerEpoch));
  const rows = copiedValues('int32', batch);
  const number = copiedValues('int32', 1);
  const inputs = [
    { dtype: 'int32', shape: [batch], values: rows },
    { dtype: 'int32', shape: [], values: number },
  ] as const;
  const run = (steps: number) => {
    const milliseconds: number[] = [];
    const losses: number[] = [];
    for (let index = 0; index < steps; index++) {
      const at = number[0] ?? 0;
      for (let row = 0; row < batch; row++) rows[row] = (at * batch + row * 7) % count;
      const started = performance.now();
      losses.push(step(...inputs)[0]?.[0] ?? Number.NaN);
      milliseconds.push(performance.now() - started);
      number[0] = at + 1;
    }
    return { milliseconds, losses };
  };
  const names = model.state.map(({ name }) => name);
  return {
    parameters: model.state
      .filter(({ name }) => !name.startsWith('optimizer/'))
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    run,
    state: () => {
      const values = execution.read(names);
      return new Map(names.map((name, index) => [name, values[index] as Float32Array]));
    },
    shapes: new Map(model.state.map(({ name, shape }) => [name, shape])),
    resident,
    captured,
    write: execution.write,
    dispose: execution.dispose,
  };
}

/** Gratings: each class has a direction, each image a width, a phase and a brightness of its own. */
function makeImages(image: StepWorkload['image']): LoadedSplit {
  const [height, width, channels] = image;
  const count = imagesOf(image);
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const size = height * width * channels;
  const images = Uint8Array.from({ length: count * size }, (_, at) => {
    const row = Math.floor(at / size);
    const [y, x] = [Math.floor((at % size) / (width * channels)), Math.floor((at % (width * channels)) / channels)];
    const angle = (Math.PI * (row % classes)) / classes;
    const along = x * Math.cos(angle) + y * Math.sin(angle);
    const wave = Math.sin((0.3 + 0.4 * fraction(row, 1)) * along + 2 * Math.PI * fraction(row, 2));
    return 60 + 60 * fraction(row, 3) + 60 * wave + 30 * (fraction(at, 4) - 0.5);
  });
  return { images, labels, count, height, width, channels };
}

/** A number of [0, 1) that looks like chance and is the same in every run. */
const fraction = (index: number, purpose: number): number =>
  (Math.imul(Math.imul(index + 1, 2654435761) ^ (purpose * 0x9e3779b9), 0x85ebca6b) >>> 0) / 2 ** 32;
