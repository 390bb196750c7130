import { hostname } from 'node:os';
import type { CheckpointManifest, ProgressPoint, RejectedCheckpoint } from '../../contracts/checkpoints.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { canonicalJson } from '../../contracts/json.ts';
import { describeLost } from '../../contracts/lost-checkpoint.ts';
import type { FinishTrainingInput, TrainEpochInput, TrainEpochResult } from '../../contracts/trainer.ts';
import {
  assertCurrent,
  type Checkpoints,
  comparePoints,
  configMismatch,
  conflictsWith,
  type Lease,
  openCheckpoints,
  takeTraining,
} from '../../store/index.ts';
import { startAverages } from '../averages.ts';
import { type CheckpointWriter, createCheckpointWriter } from '../checkpoint-writer/index.ts';
import { requireFetchedWeights, startFromInitialWeights } from '../initial-weights.ts';
import { describePasses } from '../passes.ts';
import { type JobContext, stopIfAsked } from '../process/job.ts';
import { closeSession, openSession, restore, sessionConfig, type TrainingSession } from '../session.ts';

/** A training that this process holds, with the right to write its checkpoints. */
export interface Training {
  readonly session: TrainingSession;
  readonly checkpoints: Checkpoints;
  readonly lease: Lease;
  readonly writer: CheckpointWriter;
}

/** Where a training was found, and the checkpoints that were too damaged to use. */
export interface Positioned {
  readonly training: Training;
  /** The last epoch that has the config of this session. */
  readonly through: number;
  /** The point that was loaded from the store; null when the session was there already or began anew. */
  readonly resumedFrom: ProgressPoint | null;
  readonly rejected: readonly RejectedCheckpoint[];
  /** The recorded epoch whose checkpoint is not there, and the epoch that training goes on from instead. */
  readonly withoutCheckpoint: TrainEpochResult['withoutCheckpoint'];
}

/** Holds at most one training between jobs. */
export interface TrainingSlot {
  /**
   * Brings the training to the newest state not past `upTo`: the one in memory where it is still ours and matches what
   * was recorded, else the newest checkpoint that verifies, else the beginning. The session has the config of the epoch that
   * comes next.
   *
   * @throws ContrailError CorruptCheckpoint when the checkpoint that the training was forked from is gone
   * @throws ContrailError ConfigMismatch when the checkpoints belong to another config or data set
   * @throws ContrailError WeightsMissing when the training begins with weights of the hub that are not on this machine
   * @throws ContrailError DigestMismatch when a checkpoint is not the state that the run's history recorded
   */
  readonly position: (input: Input, upTo: ProgressPoint, context: JobContext) => Promise<Positioned>;
  readonly release: () => Promise<void>;
}

export function createTrainingSlot(): TrainingSlot {
  let held: Training | undefined;
  const writer = createCheckpointWriter();
  const release = async () => {
    const training = held;
    held = undefined;
    if (training) await closeSession(training.session);
  };
  return {
    release,
    position: async (input, upTo, context) => {
      if (held && (await stillOurs(held, input, upTo)))
        return {
          training: held,
          through: Number.MAX_SAFE_INTEGER,
          resumedFrom: null,
          rejected: [],
          withoutCheckpoint: undefined,
        };
      await release();
      context.progress({ phase: 'opening', done: 0, total: 1, unit: 'steps' });
      const checkpoints = openCheckpoints(context.store, input);
      const lease = await takeTraining(context.store, input, `${hostname()} pid ${process.pid}`);
      const { newest, rejected } = await checkpoints.newestValid({
        upTo,
        belongs: (manifest) => belongsTo(input, manifest),
      });
      const from = newest?.manifest.epoch ?? 0;
      requireStart(input, from, rejected);
      const withoutCheckpoint = lostCheckpoint(input, from);
      // Said at once, too: what was lost takes long to train again. A trainer's lines are in the run's log.
      if (withoutCheckpoint) console.warn(describeLost(withoutCheckpoint));
      const { through, ...chosen } = configOf(input, from + 1);
      // Asked before the images are checked, which takes longer.
      if (!newest) await requireFetchedWeights(chosen.config, input.weightsFile);
      const session = await openSession(context.store, chosen.dataset, chosen.config, {
        data: input.data,
        replicas: input.replicas,
        onCheck: (done, total) => {
          context.progress({ phase: 'checking images', done, total, unit: 'images' });
          stopIfAsked(context);
        },
      });
      held = { session, checkpoints, lease, writer };
      const passes = describePasses(session);
      for (const said of [passes, session.passage.said]) if (said !== null) console.info(said);
      if (newest) {
        restore(session, newest.manifest, newest.tensors, newest.metadata);
        requireRecorded(session, input);
      } else {
        await startFromInitialWeights(session, input.weightsFile, context);
        startAverages(session.model, session.execution);
      }
      context.onTraining?.({ type: 'opened', takenOver: lease.token > 1, from: newest?.manifest.createdAt ?? null });
      return { training: held, through, resumedFrom: newest ? session.at : null, rejected, withoutCheckpoint };
    },
  };
}

type Input = TrainEpochInput | FinishTrainingInput;

const lostCheckpoint = ({ recorded }: Input, from: number): TrainEpochResult['withoutCheckpoint'] =>
  recorded && from < recorded.epoch ? { of: recorded.epoch, from } : undefined;

/** The config that an epoch has, and the last epoch that has it. */
function configOf({ earlier = [], config, dataset }: Input, epoch: number) {
  const segment = earlier.find(({ through }) => epoch <= through);
  return segment ?? { through: Number.MAX_SAFE_INTEGER, config, dataset };
}

/**
 * Whether a checkpoint is one of this training: it was written with the config that its epoch has.
 *
 * @throws ContrailError ConfigMismatch where it is not, and nothing says that it was abandoned
 */
function belongsTo(input: Input, manifest: CheckpointManifest): boolean {
  const { epoch, step } = manifest;
  const conflicts = conflictsWith(manifest, sessionConfig(configOf(input, step > 0 ? epoch + 1 : epoch)));
  if (conflicts.length === 0) return true;
  const isPast = comparePoints({ epoch, step }, { epoch: input.recorded?.epoch ?? 0, step: 0 }) > 0;
  if (isPast && input.earlier) return false;
  throw configMismatch(conflicts);
}

function requireStart(
  { startsAt = 0, run, step }: Input,
  epoch: number,
  rejected: readonly RejectedCheckpoint[],
): void {
  if (epoch >= startsAt) return;
  const why = rejected.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  throw new ContrailError(
    'CorruptCheckpoint',
    `The checkpoint of epoch ${startsAt} that ${run}/${step} was forked from is not there (${why || 'no file'}). \`contrail resume ${run}\` takes it over again.`,
  );
}

/**
 * The training in memory goes on if it follows from the recorded state, is not past the point that is asked for, and
 * nobody has taken the lease since.
 */
async function stillOurs(
  { session, lease }: Training,
  { dataset, config, recorded, replicas }: TrainEpochInput | FinishTrainingInput,
  upTo: ProgressPoint,
): Promise<boolean> {
  const same =
    session.asked.replicas === replicas &&
    canonicalJson(sessionConfig(session)) === canonicalJson(sessionConfig({ dataset, config })) &&
    (session.at.step === 0 || session.at.epoch < upTo.epoch) &&
    session.at.epoch === (recorded?.epoch ?? 0) &&
    session.epochDigest === (recorded?.digest ?? null);
  if (!same) return false;
  try {
    await assertCurrent(lease);
    return true;
  } catch {
    return false;
  }
}

/**
 * Exact resume is checked, not assumed: a state at the recorded epoch must have the recorded digest, and so must the
 * epoch from which a checkpoint within an epoch went on.
 */
export function requireRecorded(
  session: TrainingSession,
  { recorded, run, step }: TrainEpochInput | FinishTrainingInput,
): void {
  if (!recorded || session.at.epoch !== recorded.epoch || session.epochDigest === recorded.digest) return;
  throw new ContrailError(
    'DigestMismatch',
    `The training state of ${run}/${step} after epoch ${recorded.epoch} has digest ${session.epochDigest}, but the run recorded ${recorded.digest}. The checkpoints are not those of this run; restore them or start a new run.`,
  );
}
