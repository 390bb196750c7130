import { z } from 'zod';
import type { EmbeddingProgress } from '../contracts/embedding.ts';
import { isContrailError } from '../contracts/errors.ts';
import { type StepStatus, type StepTrouble, stuckAfter } from '../contracts/status.ts';
import { type TrainerProgress, trainerProgressSchema } from '../contracts/trainer.ts';
import { isShardsKind, isTrainingKind } from '../contracts/training-kinds.ts';
import { embeddingProgressQuery } from '../workflows/messages.ts';
import type { ServerClient } from './connection.ts';
import { decodedActivity, type Failure, jsonOf, type PendingActivity } from './decoded-activity.ts';
import { whatItWaitsFor } from './queues.ts';

/** What Temporal knows of a step's work that its workflow does not: workflows hear of an activity at its end. */
export interface StepActivity {
  /** How far the trainer is. */
  readonly progress?: TrainerProgress;
  /** What it waits for, as in "waits for a worker". */
  readonly waits?: string;
  readonly trouble?: StepTrouble;
}
export type Activities = Readonly<Record<string, StepActivity>>;

/** A picture is drawn each second: what is not known by then is left out. */
const askMs = 2000;

/** States of a pending activity, as Temporal numbers them. */
const [onQueue, running] = [1, 2];

/** An attempt that lasts so long has got past what failed before. */
const longAttemptMs = 60_000;

/** What the running steps of a run are doing, by step. What cannot be asked now is left out. @throws ContrailError PayloadsUnreadable */
export async function pendingOf(server: ServerClient, run: string, steps: readonly StepStatus[]): Promise<Activities> {
  const active = steps.filter(({ state }) => state === 'running');
  const activitiesIn = async (id: string): Promise<readonly PendingActivity[]> => {
    const { pendingActivities } = await server.client.workflow
      .getHandle(id)
      .describe()
      .then(({ raw }) => raw, unlessUnreadable({ pendingActivities: null }));
    return Promise.all((pendingActivities ?? []).map((each) => decodedActivity(server, id, each)));
  };
  const own = active.length > 0 ? await activitiesIn(run) : [];
  const found = await Promise.all(
    active.map(async ({ id, uses }) => {
      if (isShardsKind(uses)) return inShards(server, run, id, await activitiesIn(`${run}/${id}`));
      const inTraining = isTrainingKind(uses) ? await activitiesIn(`${run}/${id}`) : [];
      const pending = [...inTraining, ...own.filter((activity) => stepOf(activity) === id)];
      // Of several, the one that is in trouble.
      const chosen = pending.find(({ lastFailure }) => lastFailure) ?? pending[0];
      return chosen ? [[id, await describeActivity(server, chosen)] as const] : [];
    }),
  );
  return Object.fromEntries(found.flat());
}

/** What a step of many shards is doing: all of them together. */
async function inShards(server: ServerClient, run: string, id: string, pending: readonly PendingActivity[]) {
  const described = await Promise.all(pending.map((each) => describeActivity(server, each)));
  const chosen = described.find(({ trouble }) => trouble) ?? described.find(({ progress }) => progress) ?? described[0];
  if (!chosen) return [];
  const { progress: _, waits, ...rest } = chosen;
  const found = await askEmbedding(server, `${run}/${id}`);
  const progress = found ? ofShards(found, described) : chosen.progress;
  // Of several shards one is enough, and the others come in their turn.
  const isIdle = described.every((each) => each.waits !== undefined);
  return [[id, { ...rest, ...(progress ? { progress } : {}), ...(isIdle && waits ? { waits } : {}) }] as const];
}

/** Finished shards, and how far those under way are. Null while images are listed, or gathered. */
function ofShards(
  { done, images }: EmbeddingProgress,
  activities: readonly StepActivity[],
): TrainerProgress | undefined {
  const own = activities.flatMap(({ progress }) => (progress ? [progress] : []));
  const embedding = own.filter(({ phase }) => phase === 'embedding');
  if (images === 0 || done === images) return own[0];
  const rate = embedding.reduce((sum, { imagesPerSecond = 0 }) => sum + imagesPerSecond, 0);
  return {
    phase: 'embedding',
    done: Math.min(images, done + embedding.reduce((sum, each) => sum + each.done, 0)),
    total: images,
    unit: 'images',
    ...(rate > 0 ? { imagesPerSecond: rate } : {}),
  };
}

/** Null where no worker answers, or there is nothing to say yet. */
async function askEmbedding({ client }: ServerClient, id: string): Promise<EmbeddingProgress | null> {
  try {
    return await client.connection.withDeadline(Date.now() + askMs, () =>
      client.workflow.getHandle(id).query(embeddingProgressQuery),
    );
  } catch (error) {
    return unlessUnreadable(null)(error);
  }
}

/** A server that does not answer is asked again; a key that is missing is missing. */
const unlessUnreadable =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (isContrailError(error)) throw error;
    return otherwise;
  };

/** The step that an activity of the run's own workflow belongs to: a look-up says it in its heartbeat. */
function stepOf(activity: PendingActivity): string {
  const beat = z.object({ step: z.string() }).safeParse(heartbeatOf(activity));
  return beat.success ? beat.data.step : (activity.activityId ?? '');
}

async function describeActivity(server: ServerClient, activity: PendingActivity): Promise<StepActivity> {
  const progress = activity.state === running ? trainerProgressSchema.safeParse(heartbeatOf(activity)) : null;
  const trouble = troubleOf(activity, Date.now());
  const queue = activity.activityOptions?.taskQueue?.name;
  const isDue = activity.state === onQueue && !trouble?.nextTry;
  return {
    ...(progress?.success ? { progress: progress.data } : {}),
    ...(trouble ? { trouble } : {}),
    ...(isDue ? { waits: await whatItWaitsFor(server, queue) } : {}),
  };
}

/** What the attempts of an activity failed with; null where none did. */
export function troubleOf(activity: PendingActivity, now: number): StepTrouble | null {
  const { lastFailure, state } = activity;
  if (!lastFailure) return null;
  const attempt = activity.attempt ?? 1;
  const next = timeOf(activity.nextAttemptScheduleTime);
  const startedAt = timeOf(activity.lastStartedTime) ?? now;
  return {
    attempt,
    error: failureOf(lastFailure),
    nextTry: state === onQueue && next !== null && next > now ? new Date(next).toISOString() : null,
    stuck: attempt > stuckAfter && !(state === running && now - startedAt > longAttemptMs),
  };
}

/** What Temporal puts in the place of a failure that is too large; its cause is the beginning of that. */
const replaced = 'Failure exceeds size limit.';

function failureOf(failure: Failure): { readonly type: string; readonly message: string } {
  const { message, applicationFailureInfo, timeoutFailureInfo, cause } = failure;
  if (message === replaced && cause) return failureOf(cause);
  if (timeoutFailureInfo)
    return { type: 'Timeout', message: `Its worker went away or took too long (${message ?? 'timeout'}).` };
  return { type: applicationFailureInfo?.type || 'Error', message: message || 'no message' };
}

const heartbeatOf = ({ heartbeatDetails }: PendingActivity): unknown => jsonOf(heartbeatDetails?.payloads?.[0]?.data);

/** A time of Temporal's, in milliseconds. */
function timeOf(time: PendingActivity['scheduledTime']): number | null {
  return time?.seconds ? Number(time.seconds) * 1000 + Math.floor((time.nanos ?? 0) / 1e6) : null;
}
