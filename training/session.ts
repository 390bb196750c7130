import { type ArtifactRef, trainedClassesOf } from '../contracts/artifacts.ts';
import type { CheckpointManifest, ProgressPoint } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import {
  type DataConfig,
  goesByLabels,
  isContrastive,
  type ReplicasSetting,
  type TrainingConfig,
} from '../contracts/training.ts';
import {
  anySets,
  type BatchPlan,
  balancedShape,
  categoriesOfClasses,
  categorySets,
  describeDataset,
  epochPlans,
  neighbourSets,
} from '../datasets/index.ts';
import { digestOfJson, type Store, type StoredTensor } from '../store/index.ts';
import { startAverages } from './averages.ts';
import { type CompiledStep, capture, type Execution, eagerExecution } from './capture/index.ts';
import { choosePassage, type Passage } from './choose-replicas.ts';
import { copiedValues } from './copied-values.ts';
import { explainMemory, requireDevice } from './device.ts';
import { type ImageFormat, imageFormatOf } from './image-format.ts';
import { type ImageSource, openImageSource } from './image-source.ts';
import { compileMicrobatches, microbatchVariables, sessionOfParts } from './microbatch.ts';
import { createTrainingModel, type TrainingModel } from './model.ts';
import { requireImageSize } from './models/create-encoder.ts';
import { tensorflowBuild } from './ops.ts';
import { UpdateOutcome } from './optimizers/loss-scale.ts';
import { learningRateAt } from './optimizers/schedule.ts';
import { createVariables, type ParameterSpec } from './parameters.ts';
import { readState, writeState } from './state.ts';
import { trainingStep } from './step.ts';

/**
 * A training in progress.
 *
 * Owns: model, optimizer and data in TensorFlow's memory, the files that the rest of the data is in, and where the training stands.
 * Does not own: checkpoints, leases, or when to stop.
 *
 * I1. The variables in `execution` are always exactly the state at `at`.
 * I2. `lossSum` is the sum of the losses of the steps of the epoch in progress, in order, but for `overflows` that had none.
 * I3. The state is a function of (dataset, config, at) alone: resuming changes no bit.
 */
export interface TrainingSession {
  readonly dataset: ArtifactRef;
  readonly config: TrainingConfig;
  /** What it was opened with besides, which decides no number. */
  readonly asked: { readonly replicas: ReplicasSetting | undefined };
  /** Where the parts of a batch pass. */
  readonly passage: Passage;
  readonly model: TrainingModel;
  /** Variables and resident images, inside TensorFlow. */
  readonly execution: Execution;
  /** The training images. */
  readonly source: ImageSource;
  readonly step: CompiledStep;
  /** Images of the training split. */
  readonly count: number;
  /** Of them, by class. */
  readonly perClass: readonly number[];
  readonly format: ImageFormat;
  /** Images in a step. */
  readonly batch: number;
  /** The batches of an epoch; where they follow from the epoch before, the state must be within the epoch that is asked for, or at its beginning. */
  readonly planOf: (epoch: number) => BatchPlan;
  readonly stepsPerEpoch: number;
  /** Called after the last step of an epoch, before its state counts; null where nothing follows from a whole epoch. */
  readonly endEpoch: (() => void) | null;
  at: ProgressPoint;
  lossSum: number;
  /** Steps of the epoch in progress whose loss overflowed float16 and whose update was left out. */
  overflows: number;
  best: CheckpointManifest['best'];
  /** Digest of the state at the end of the last finished epoch; null before the first. */
  epochDigest: string | null;
  /** Time that the steps took which were taken while the checkpoint of the epoch before was written. */
  secondsAhead: number;
  /** False after a step that failed there: the session is of no further use. */
  sound: boolean;
}

/**
 * Opens the training images and starts from the initial state of the config's seed.
 *
 * @param onCheck called again and again while files are checked, with the images of those that were, and of all
 * @throws ContrailError InvalidInput where engine and precision, batch and microbatch, encoder and size of images, or sampler, small views and data do not go together, or nothing is trained;
 * SetupFailed where there is no GPU and `CONTRAIL_DEVICE` asks for one, or fewer than `replicas`
 */
export async function openSession(
  store: Store,
  dataset: ArtifactRef,
  config: TrainingConfig,
  {
    data,
    onCheck,
    replicas,
  }: {
    readonly data: DataConfig;
    readonly onCheck: (done: number, total: number) => void;
    /** GPUs that the parts of a batch pass on side by side. @default 1 */
    readonly replicas?: ReplicasSetting | undefined;
  },
): Promise<TrainingSession> {
  if (config.engine === 'eager' && config.precision !== 'float32')
    throw new ContrailError(
      'InvalidInput',
      `precision: ${config.precision} is a rewrite of the graph, so it needs engine: graph.`,
    );
  requireDevice(process.env.CONTRAIL_DEVICE, tensorflowBuild().device);
  const about = await describeDataset(store, dataset);
  const classes = trainedClassesOf(about);
  const format = imageFormatOf(about, config.normalise);
  const model = createTrainingModel(config, format, classes.length, about.labels?.length);
  requireSmaller(config, format);
  if (model.trainable.length === 0)
    throw new ContrailError(
      'InvalidInput',
      'freeze: all leaves nothing to train, because the head has no weights. Freeze fewer stages, or use a head with weights.',
    );
  const { count } = about.splits.train;
  const perClass = about.splits.train.perClass.slice(0, classes.length);
  const balanced = config.sampler && balancedShape(perClass, config.batch, config.sampler.balanced.perClass);
  const batch = balanced?.size ?? Math.min(config.batch, count);
  const { microbatch = batch } = config;
  if (batch % microbatch !== 0)
    throw new ContrailError(
      'InvalidInput',
      `microbatch: ${microbatch} does not divide the batch of ${batch} images. Choose a divisor of it.`,
    );
  const inParts = microbatch < batch;
  const passage = choosePassage(replicas, { ...config, batch, microbatch });
  const sizes = { batch, microbatch, replicas: passage.parts };
  requireConfusable(config, { inParts, separable: model.objective.separable });
  const specs = [...model.state, ...(inParts ? microbatchVariables(model, sizes) : [])];
  const byLabels = goesByLabels(config);
  const source = await openImageSource(store, dataset, 'train', { ...data, byLabels }, onCheck);
  const { seed, minimumSteps } = config;
  const labels = balanced ? await source.classes() : new Int32Array();
  const categories =
    config.sampler?.balanced.within === 'category'
      ? await categoriesOfClasses(store, dataset, labels, classes.length)
      : null;
  const order = { perClass: config.sampler?.balanced.perClass, batch: config.batch, seed, minimumSteps };
  const plan = epochPlans({ count, labels, classes: classes.length }, order);
  const stepsPerEpoch = plan(1).steps;
  const state = { variables: createVariables(specs, config.seed), resident: source.resident };
  const { neighbours } = model;
  const session = inParts ? { session: sessionOfParts(passage.parts) } : {};
  const execution =
    config.engine === 'eager' ? eagerExecution(state) : capture(state, { precision: config.precision, ...session });
  return {
    dataset,
    config,
    asked: { replicas },
    passage,
    model,
    execution,
    source,
    step: explained(
      inParts
        ? compileMicrobatches(execution, model, config, { ...sizes, stepsPerEpoch })
        : execution.compile(trainingStep(model, config, stepsPerEpoch)),
      inParts ? { batch, microbatch } : { batch },
    ),
    count,
    perClass,
    format,
    batch,
    planOf: (epoch) =>
      plan(
        epoch,
        categories ? categorySets(categories) : neighbours ? neighbourSets(neighbours.read(execution)) : anySets,
      ),
    stepsPerEpoch,
    endEpoch: neighbours?.compileEnd(execution) ?? null,
    at: { epoch: 0, step: 0 },
    lossSum: 0,
    overflows: 0,
    best: null,
    epochDigest: null,
    secondsAhead: 0,
    sound: true,
  };
}

/** @throws ContrailError InvalidInput where the small views of an image are no smaller than the others, or the encoder takes none of their size */
function requireSmaller(config: TrainingConfig, { height, width }: ImageFormat): void {
  const size = isContrastive(config) ? config.multiCrop?.size : undefined;
  if (size === undefined) return;
  requireImageSize(config.encoder, { height: size, width: size }, 'small views (multiCrop.size)');
  if (size >= Math.min(height, width))
    throw new ContrailError(
      'InvalidInput',
      `multiCrop.size: ${size} is not below the size of the images, ${width} x ${height}. Choose a smaller one, or prepare the data with a larger \`size\`.`,
    );
}

/** @throws ContrailError InvalidInput where batches of confused classes are asked for and the step does not see outputs and classes together */
function requireConfusable(
  config: TrainingConfig,
  { inParts, separable }: { readonly inParts: boolean; readonly separable: boolean },
): void {
  if (config.sampler?.balanced.within !== 'confused') return;
  const refuse = (reason: string) =>
    new ContrailError('InvalidInput', `sampler.balanced.within: confused does not go with ${reason}`);
  if (goesByLabels(config))
    throw refuse('loss.supcon.positives that go by further labels. Use within: category, or leave it out.');
  if (inParts && separable)
    throw refuse(
      'microbatch and a loss that takes the parts of a batch one by one, as cross-entropy does. Leave one of them out.',
    );
}

/** A step whose errors of memory name the batch. */
const explained =
  (step: CompiledStep, sizes: Parameters<typeof explainMemory>[1]): CompiledStep =>
  (...inputs) => {
    try {
      return step(...inputs);
    } catch (error) {
      throw explainMemory(error, sizes);
    }
  };

export async function closeSession(session: TrainingSession): Promise<void> {
  session.execution.dispose();
  await session.source.close();
}

/** What must not change under a training: the config and the data. The number of epochs may grow only where the schedule does not look at it. */
export function sessionConfig({ dataset, config }: Pick<TrainingSession, 'dataset' | 'config'>): Record<string, Json> {
  return JSON.parse(JSON.stringify({ dataset: dataset.digest, ...config })) as Record<string, Json>;
}

/** The state as a checkpoint holds it. */
export function snapshot(session: TrainingSession): { tensors: StoredTensor[]; metadata: Record<string, string> } {
  return {
    tensors: readState(session.model.state, session.execution),
    metadata: {
      lossSum: JSON.stringify(session.lossSum),
      // The metadata is part of the digest; that of a training without overflows does not know the word.
      ...(session.overflows > 0 ? { overflows: JSON.stringify(session.overflows) } : {}),
      best: JSON.stringify(session.best),
      epochDigest: session.at.step > 0 ? (session.epochDigest ?? '') : '',
    },
  };
}

/**
 * Puts the session where a checkpoint stands. Where that was written with another config, state besides the parameters that it
 * does not have, such as the slots of another optimizer, stays as it is initially.
 */
export function restore(
  session: TrainingSession,
  manifest: CheckpointManifest,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>>,
): void {
  const isSame = manifest.configHash === digestOfJson(sessionConfig(session));
  const { state, encoder, objective } = session.model;
  const parameters = new Set([...encoder.parameters, ...objective.parameters].map(({ name }) => name));
  const isWanted = ({ name, shape }: ParameterSpec) =>
    isSame || parameters.has(name) || tensors.get(name)?.shape.join() === shape.join();
  writeState(state.filter(isWanted), session.execution, tensors);
  startAverages(session.model, session.execution, (name) => tensors.has(name));
  session.at = { epoch: manifest.epoch, step: manifest.step };
  session.lossSum = JSON.parse(metadata.lossSum ?? '0') as number;
  session.overflows = JSON.parse(metadata.overflows ?? '0') as number;
  session.best = manifest.best;
  session.epochDigest = manifest.step > 0 ? metadata.epochDigest || null : manifest.digest;
}

/** Called after each step, with its loss unless that overflowed. True ends the loop at this step boundary. */
export type AfterStep = (done: number, total: number, loss: number | undefined) => Promise<boolean>;

/**
 * Trains from where the session stands to the end of its epoch, or until `afterStep` says to stop.
 *
 * @returns the mean loss of the epoch, or null when stopped
 * @throws ContrailError NonFiniteLoss
 */
export async function trainToEndOfEpoch(session: TrainingSession, afterStep: AfterStep): Promise<number | null> {
  const { stepsPerEpoch } = session;
  const epoch = session.at.epoch + 1;
  const plan = session.planOf(epoch);
  const batches = session.source.batches({
    size: plan.size,
    from: session.at.step,
    to: stepsPerEpoch,
    rows: plan.indices,
  });
  const number = copiedValues('int32', 1);
  const numberInput = { dtype: 'int32', shape: [], values: number } as const;
  try {
    for (let step = session.at.step; step < stepsPerEpoch; step++) {
      const batch = await batches.next();
      number[0] = (epoch - 1) * stepsPerEpoch + step;
      const [losses, outcomes] = session.step(...batch, numberInput);
      const loss = losses?.[0] ?? Number.NaN;
      const outcome = outcomes?.[0] ?? UpdateOutcome.applied;
      if (outcome === UpdateOutcome.exhausted)
        throw new ContrailError(
          'NonFiniteLoss',
          `The gradients are not finite at step ${step + 1} of epoch ${epoch}, even with a loss scale of 1. Use precision: bfloat16 or float32, or lower optimizer.learningRate.`,
        );
      const overflowed = outcome === UpdateOutcome.skipped && !Number.isFinite(loss);
      if (!overflowed && !Number.isFinite(loss))
        throw new ContrailError(
          'NonFiniteLoss',
          `The loss became ${loss} at step ${step + 1} of epoch ${epoch}. Lower optimizer.learningRate, or warm up for longer (schedule.warmupEpochs).`,
        );
      if (overflowed) session.overflows++;
      else session.lossSum += loss;
      session.at = { epoch: epoch - 1, step: step + 1 };
      const stop = await afterStep(step + 1, stepsPerEpoch, overflowed ? undefined : loss);
      if (stop && step + 1 < stepsPerEpoch) return null;
    }
  } finally {
    await batches.close();
  }
  if (session.overflows === stepsPerEpoch)
    throw new ContrailError(
      'NonFiniteLoss',
      `No step of epoch ${epoch} had a finite loss in float16. Use precision: bfloat16 or float32.`,
    );
  session.endEpoch?.();
  const loss = session.lossSum / (stepsPerEpoch - session.overflows);
  if (session.best === null || loss < session.best.loss) session.best = { epoch, loss };
  session.at = { epoch, step: 0 };
  session.lossSum = 0;
  session.overflows = 0;
  return loss;
}

/** The learning rate of a step, counted over the whole training. */
export const sessionLearningRate = ({ config, stepsPerEpoch }: TrainingSession, globalStep: number): number =>
  learningRateAt(config.schedule, config.optimizer.learningRate, globalStep, { stepsPerEpoch, epochs: config.epochs });
