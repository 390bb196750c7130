import type { CheckpointManifest, EpochMetrics } from '../../contracts/checkpoints.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { FinishTrainingInput, TrainEpochInput, TrainEpochResult } from '../../contracts/trainer.ts';
import { contrastiveFacts } from '../contrastive-facts.ts';
import { passesOf } from '../passes.ts';
import { type JobContext, JobStopped } from '../process/job.ts';
import {
  type AfterStep,
  sessionConfig,
  sessionLearningRate,
  snapshot,
  type TrainingSession,
  trainToEndOfEpoch,
} from '../session.ts';
import { type Positioned, requireRecorded, type Training, type TrainingSlot } from './training-slot.ts';

/**
 * Trains one epoch and commits its checkpoint; it counts as done only then, while the first steps of the next epoch are
 * taken already. An epoch that has a valid checkpoint is not trained again. Where the checkpoint of an earlier epoch is
 * damaged, training goes on from the one before it and must arrive at the digest that was recorded.
 */
export async function trainEpoch(
  slot: TrainingSlot,
  input: TrainEpochInput,
  context: JobContext,
): Promise<TrainEpochResult> {
  try {
    const { training, manifest, resumedFrom, rejected, withoutCheckpoint } = await reachEpoch(
      slot,
      input,
      input.epoch,
      context,
    );
    const { epochDigest, best, sound } = training.session;
    if (!sound) await slot.release();
    const metrics = (manifest ?? (await committed(training, input.epoch))).metrics;
    if (epochDigest === null || best === null || metrics === null)
      throw new Error('a finished epoch has a digest and metrics');
    return {
      epoch: input.epoch,
      digest: epochDigest,
      metrics,
      best,
      resumedFrom,
      rejected: [...rejected],
      ...(withoutCheckpoint ? { withoutCheckpoint } : {}),
    };
  } catch (error) {
    // Whatever went wrong, the next attempt starts from the store.
    await slot.release();
    throw error;
  }
}

/** Brings the training to the end of an epoch, each epoch before it with the config that it has. */
export async function reachEpoch(
  slot: TrainingSlot,
  input: TrainEpochInput | FinishTrainingInput,
  epoch: number,
  context: JobContext,
): Promise<Omit<Positioned, 'through'> & { readonly manifest: CheckpointManifest | undefined }> {
  const { through, ...found } = await slot.position(input, { epoch, step: 0 }, context);
  const manifest = await trainUpTo(found.training, input, Math.min(epoch, through), context);
  if (through >= epoch) return { ...found, manifest };
  await slot.release();
  const { resumedFrom, rejected, withoutCheckpoint } = found;
  return { ...(await reachEpoch(slot, input, epoch, context)), resumedFrom, rejected, withoutCheckpoint };
}

/**
 * Trains whole epochs until `epoch` is done, each with its checkpoint, checking the recorded digest on the way.
 *
 * @returns the last checkpoint, or undefined when there was nothing to train
 */
async function trainUpTo(
  training: Training,
  input: TrainEpochInput | FinishTrainingInput,
  epoch: number,
  context: JobContext,
): Promise<CheckpointManifest | undefined> {
  let manifest: CheckpointManifest | undefined;
  while (training.session.at.epoch < epoch) {
    manifest = await trainAndCommit(training, input, context);
    requireRecorded(training.session, input);
  }
  return manifest;
}

/** Trains to the end of the epoch and waits for its checkpoint. */
async function trainAndCommit(
  training: Training,
  input: TrainEpochInput | FinishTrainingInput,
  context: JobContext,
): Promise<CheckpointManifest> {
  const { session } = training;
  const epoch = session.at.epoch + 1;
  const firstStep = session.at.step;
  const started = performance.now();
  const imagesPerSecond = (steps: number) => (steps * session.batch) / secondsSince(started);
  let committedAt = started;
  /** The checkpoint within the epoch that is being written; training goes on meanwhile. */
  let pending: Promise<unknown> = Promise.resolve();

  const afterStep: AfterStep = async (done, total, loss) => {
    context.progress({
      phase: `epoch ${epoch}`,
      done,
      total,
      unit: 'steps',
      loss,
      imagesPerSecond: imagesPerSecond(done - firstStep),
    });
    // Lets the process answer messages between steps.
    await new Promise(setImmediate);
    const { everySteps, everyMinutes } = input.checkpoint;
    const due = (everySteps !== undefined && done % everySteps === 0) || secondsSince(committedAt) > everyMinutes * 60;
    const stop = context.stopRequested();
    if (done < total && (due || stop)) {
      await pending;
      pending = commit(training, input, null, context);
      // It is awaited before the next one, and before the epoch counts.
      pending.catch(() => {});
      if (stop) await pending;
      committedAt = performance.now();
    }
    return stop;
  };

  const loss = await trainToEndOfEpoch(session, afterStep);
  if (loss === null) throw new JobStopped(session.at);
  const learningRate = sessionLearningRate(session, epoch * session.stepsPerEpoch - 1);
  await pending;
  const seconds = secondsSince(started) + session.secondsAhead;
  session.secondsAhead = 0;
  const committing = commit(
    training,
    input,
    {
      loss,
      learningRate,
      imagesPerSecond: imagesPerSecond(session.stepsPerEpoch - firstStep),
      seconds,
      ...contrastiveFacts(session),
      ...passesOf(session),
    },
    context,
  );
  // At the recorded epoch the state itself may be wanted, to take the encoder out of it.
  if (input.recorded?.epoch !== epoch && epoch < Math.min(session.config.epochs, input.until ?? session.config.epochs))
    await trainAhead(session, committing, context.stopRequested);
  const manifest = await committing;
  session.epochDigest = manifest.digest;
  return manifest;
}

/**
 * Takes steps of the next epoch until a checkpoint is durable; never its last, so the session stays within the epoch.
 * These steps count for nothing until their own epoch is committed: a process that ends before loses only them.
 */
async function trainAhead(
  session: TrainingSession,
  committing: Promise<unknown>,
  stopRequested: () => boolean,
): Promise<void> {
  if (session.stepsPerEpoch < 2) return;
  const started = performance.now();
  let settled = false;
  const settle = () => {
    settled = true;
  };
  committing.then(settle, settle);
  try {
    await trainToEndOfEpoch(session, async (done, total) => {
      await new Promise(setImmediate);
      return settled || stopRequested() || done === total - 1;
    });
    session.secondsAhead = secondsSince(started);
  } catch {
    // The next epoch will meet the same error from its checkpoint, and tell of it then.
    session.sound = false;
  }
}

async function commit(
  { session, lease, writer }: Training,
  { checkpoint, mayReturnTo }: TrainEpochInput | FinishTrainingInput,
  metrics: EpochMetrics | null,
  { onTraining }: JobContext,
): Promise<CheckpointManifest> {
  const due = performance.now();
  const state = { ...session.at, config: sessionConfig(session), metrics, best: session.best, ...snapshot(session) };
  const manifest = await writer.commit(lease, state, { ...checkpoint.keep, epochs: mayReturnTo });
  onTraining?.({ type: 'checkpoint', bytes: manifest.state.bytes, seconds: secondsSince(due) });
  return manifest;
}

/** The checkpoint of an epoch that an earlier attempt finished. */
async function committed({ checkpoints, session }: Training, epoch: number): Promise<CheckpointManifest> {
  const found = (await checkpoints.list()).find(
    ({ manifest }) => manifest.epoch === epoch && manifest.digest === session.epochDigest,
  );
  if (!found)
    throw new ContrailError('CorruptCheckpoint', `The checkpoint of epoch ${epoch} disappeared while it was read.`);
  return found.manifest;
}

const secondsSince = (start: number) => (performance.now() - start) / 1000;
