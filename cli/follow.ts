import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import { ContrailError } from '../contracts/errors.ts';
import type { PipelineStatus, StepStatus } from '../contracts/status.ts';
import { type TrainerProgress, trainerProgressSchema } from '../contracts/trainer.ts';
import { isTrainingKind } from '../contracts/training-kinds.ts';
import type { ServerClient } from './connection.ts';
import { formatSeconds, forTerminal, isInteractive, printJson, say } from './output.ts';
import { createPace } from './pace.ts';
import { drawPicture } from './picture.ts';
import { queryStatus } from './runs.ts';

const intervalMs = 1000;
const barWidth = 24;
/** PENDING_ACTIVITY_STATE_SCHEDULED: on its queue, taken up by no worker. */
const onQueue = 1;

export interface FollowOptions {
  /** One JSON object a change on standard output, instead of lines for people. */
  readonly json: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Shows a run until it ends: a live picture in a terminal, a line for each change elsewhere.
 *
 * @returns the last status
 * @throws ContrailError RunFailed with the failures of its steps
 */
export async function followRun(
  server: ServerClient,
  run: string,
  { json, signal }: FollowOptions,
): Promise<PipelineStatus | null> {
  const show = json ? jsonLines() : isInteractive() ? livePicture(run) : plainLines();
  const handle = server.client.workflow.getHandle(run);
  let status: PipelineStatus | null = null;
  let silentSince: number | null = null;
  const interrupted = aborted(signal);
  while (!signal?.aborted && (await isRunning(server, run))) {
    const answer = await queryStatus(server, run);
    status = answer ?? status;
    if (answer) {
      silentSince = null;
      show.update(answer, await currentProgress(server, run, answer));
    } else silentSince ??= Date.now();
    if (silentSince !== null && Date.now() - silentSince > 15_000) {
      say('Waiting for a worker. Start one with `contrail worker` or `contrail dev`.');
      silentSince = Date.now();
    }
    await Promise.race([interrupted, new Promise((resolve) => setTimeout(resolve, intervalMs))]);
  }
  if (signal?.aborted) {
    show.end();
    return status;
  }
  status = (await queryStatus(server, run)) ?? status;
  if (status) show.update(status, {});
  show.end();
  const error = await handle.result().then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof WorkflowFailedError) {
    const reason = error.cause?.message ?? error.message;
    throw new ContrailError(
      'RunFailed',
      `The run ${run} did not complete:\n${reason}\nMend what is wrong, then go on with \`contrail resume ${run}\`.`,
      { cause: error },
    );
  }
  if (error) throw error;
  return status;
}

/** Asked anew each time, rather than by one long call that would outlive an interrupted command. A server that is away counts as running. */
async function isRunning({ client }: ServerClient, run: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(run).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ContrailError('RunNotFound', `There is no run ${run}.`, { cause: error });
    return true;
  }
}

const aborted = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));

/** What a running step is doing: how far it is, or that no worker has taken it up. */
export type Activity = TrainerProgress | 'waits for a worker';
type Activities = Readonly<Record<string, Activity>>;

/** What the running steps are doing, by step, from the heartbeats of their activities. */
async function currentProgress({ client }: ServerClient, run: string, { steps }: PipelineStatus): Promise<Activities> {
  const running = steps.filter(({ state }) => state === 'running');
  const found = await Promise.all(
    running.map(async ({ id, uses }) => {
      const description = await client.workflow
        .getHandle(isTrainingKind(uses) ? `${run}/${id}` : run)
        .describe()
        .catch(() => null);
      for (const { activityId, heartbeatDetails, state, attempt } of description?.raw.pendingActivities ?? []) {
        if (!isTrainingKind(uses) && activityId !== id) continue;
        if (state === onQueue && (attempt ?? 1) <= 1) return [[id, 'waits for a worker'] as const];
        const data = heartbeatDetails?.payloads?.[0]?.data;
        const parsed = data ? trainerProgressSchema.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))) : null;
        if (parsed?.success) return [[id, parsed.data] as const];
      }
      return [];
    }),
  );
  return Object.fromEntries(found.flat());
}

interface Display {
  readonly update: (status: PipelineStatus, activities: Activities) => void;
  readonly end: () => void;
}

function livePicture(run: string): Display {
  const log = createLogUpdate(process.stderr);
  const describe = describer();
  let last: Parameters<Display['update']> | undefined;
  const draw = () => {
    if (!last) return;
    const [status, activities] = last;
    const { columns = 80, rows = 24 } = process.stderr;
    const lines = drawPicture(run, status, (step) => describe(step, activities[step.id]), { columns, rows });
    log(lines.map((line) => forTerminal(line)).join('\n'));
  };
  const redraw = () => {
    log.clear();
    draw();
  };
  process.stderr.on('resize', redraw);
  return {
    update: (status, activities) => {
      last = [status, activities];
      draw();
    },
    end: () => {
      process.stderr.off('resize', redraw);
      log.done();
    },
  };
}

function plainLines(): Display {
  const describe = describer();
  const last = new Map<string, string>();
  return {
    update: ({ steps }, activities) => {
      for (const step of steps) {
        const activity = activities[step.id];
        const said = describe(step, activity);
        const key = `${step.state} ${step.epoch ?? ''} ${typeof activity === 'string' ? activity : ''}`;
        if (step.state === 'waiting' || last.get(step.id) === key) continue;
        last.set(step.id, key);
        say(`${step.id}: ${step.state} ${said}`.trimEnd());
      }
    },
    end: () => {},
  };
}

function jsonLines(): Display {
  let last = '';
  return {
    update: (status) => {
      const event = { type: 'status', ...status };
      const text = JSON.stringify(event);
      if (text !== last) printJson(event);
      last = text;
    },
    end: () => {},
  };
}

/** What to say of a step, after its state. */
export function describer(pace = createPace()): (step: StepStatus, activity: Activity | undefined) => string {
  return (step, activity) => {
    if (step.note) return step.note;
    if (step.state === 'failed') return pc.red(step.error?.message.split('\n')[0] ?? '');
    if (step.state === 'done') {
      const took =
        step.startedAt && step.endedAt
          ? formatSeconds((Date.parse(step.endedAt) - Date.parse(step.startedAt)) / 1000)
          : '';
      return [step.reused ? 'reused' : took, headline(step)].filter(Boolean).join(', ');
    }
    const loss = step.metrics ? `loss ${step.metrics.loss.toFixed(4)}` : '';
    if (activity === undefined || activity === 'waits for a worker') {
      const epochs = step.epoch !== null && step.epochs ? `${step.epoch} of ${step.epochs} epochs done` : '';
      return [step.state === 'running' ? activity : '', epochs, loss].filter(Boolean).join(', ');
    }
    const share = Math.min(1, activity.done / activity.total);
    const bar = `${'█'.repeat(Math.round(share * barWidth))}${'░'.repeat(barWidth - Math.round(share * barWidth))}`;
    const isEpoch = activity.unit === 'steps' && /^epoch \d+$/.test(activity.phase);
    const phase = isEpoch && step.epochs ? `${activity.phase} of ${step.epochs}` : activity.phase;
    const rate = activity.imagesPerSecond ? `${Math.round(activity.imagesPerSecond)} images/s` : '';
    const left = isEpoch
      ? remaining(step, share, secondsOfEpoch(step, activity, pace(step.id, activity)))
      : remainingOfPass(activity);
    return [`${bar} ${phase}`, loss, rate, left].filter(Boolean).join(', ');
  };
}

/** That of the last one; in the first, from what its steps take. */
const secondsOfEpoch = ({ metrics }: StepStatus, { total }: TrainerProgress, perStep: number | null) =>
  metrics?.seconds ?? (perStep === null ? null : perStep * total);

/** What is left of work that says how many images it takes a second. */
const remainingOfPass = ({ done, total, unit, imagesPerSecond }: TrainerProgress) =>
  unit === 'images' && imagesPerSecond ? `${formatSeconds((total - done) / imagesPerSecond)} left` : '';

/** What is left of this epoch and those after it. */
function remaining({ epoch, epochs }: StepStatus, share: number, seconds: number | null): string {
  if (!epochs || seconds === null) return '';
  return `${formatSeconds((epochs - (epoch ?? 0) - share) * seconds)} left`;
}

function headline({ result }: StepStatus): string {
  if (!result) return '';
  const shown = ['top1', 'knn', 'validationTop1', 'loss', 'name', 'clean', 'mean', 'auroc'].flatMap((name) => {
    const value = result[name];
    if (typeof value === 'number') return [`${name} ${value.toFixed(4)}`];
    return typeof value === 'string' ? [value] : [];
  });
  return shown.slice(0, 2).join(', ');
}
