import { stripVTControlCharacters } from 'node:util';
import { WorkflowFailedError } from '@temporalio/client';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import { approvalDecisionSchema, decisionText, questionText } from '../contracts/approval.ts';
import { times } from '../contracts/counted.ts';
import { dataHeadline, dataLines } from '../contracts/data-account.ts';
import { ContrailError } from '../contracts/errors.ts';
import { outcomeText } from '../contracts/outcome-text.ts';
import { resultText } from '../contracts/result-text.ts';
import { oneLine } from '../contracts/short-text.ts';
import { type PipelineStatus, type StepStatus, stuckAfter } from '../contracts/status.ts';
import type { TrainerProgress } from '../contracts/trainer.ts';
import { weakestIn } from '../contracts/weakest-class.ts';
import { askRun } from './ask-run.ts';
import type { ServerClient } from './connection.ts';
import { besideLeaks } from './leaks-text.ts';
import { formatSeconds, forTerminal, isInteractive, printJson, say } from './output.ts';
import { createPace } from './pace.ts';
import { type Activities, pendingOf, type StepActivity } from './pending.ts';
import { drawPicture } from './picture.ts';
import { queryStatus } from './runs.ts';
import { troubleText, withTrouble } from './trouble.ts';
import { verdictLines } from './verdict-lines.ts';

const intervalMs = 1000;
const barWidth = 24;
/** A silence so short is not worth a word. */
const silenceMs = 3000;

export interface FollowOptions {
  /** One JSON object a change on standard output, instead of lines for people. */
  readonly json: boolean;
  readonly signal?: AbortSignal;
  /** Where a file of the store is. */
  readonly locate?: (path: string) => string;
  /** What a person can do where the run fails, in sentences. @default mending and resuming it */
  readonly remedy?: string;
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
  { json, signal, locate = (path) => path, remedy = mendAndResume(run) }: FollowOptions,
): Promise<PipelineStatus | null> {
  const show = json ? jsonLines() : isInteractive() ? livePicture(run, locate) : plainLines(run, locate);
  const handle = server.client.workflow.getHandle(run);
  let status: PipelineStatus | null = null;
  const silence = createSilence(say);
  const interrupted = aborted(signal);
  while (!signal?.aborted) {
    // A server that vanishes while it is asked must not hold up who has had enough.
    const answer = await Promise.race([interrupted, askRun(server, run, signal)]);
    if (!answer || answer.kind === 'ended' || signal?.aborted) break;
    silence.heard(answer.kind === 'silent' ? answer.why : null);
    if (answer.kind === 'status') {
      const activities = await Promise.race([interrupted, pendingOf(server, run, answer.status.steps)]);
      status = withTrouble(answer.status, activities ?? {});
      show.update(status, activities ?? {});
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
    throw new ContrailError('RunFailed', `The run ${run} did not complete:\n${reason}\n${remedy}`, { cause: error });
  }
  if (error) throw error;
  return status;
}

const mendAndResume = (run: string) =>
  `Mend what is wrong, then go on with \`contrail resume ${run}\`. Where the mistake is in the pipeline file, mend it there and \`contrail run\` it again: what is done is taken over.`;

const aborted = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));

/** Says why nothing is heard of a run once that has lasted, and when it is heard again. */
function createSilence(tell: (line: string) => void) {
  let since: number | null = null;
  let said: string | null = null;
  return {
    /** @param why null where the run was heard */
    heard: (why: string | null) => {
      if (why === null) {
        if (said !== null) tell('It answers again.');
        since = null;
        said = null;
        return;
      }
      since ??= Date.now();
      if (why === said || Date.now() - since < silenceMs) return;
      said = why;
      tell(why);
    },
  };
}

interface Display {
  readonly update: (status: PipelineStatus, activities: Activities) => void;
  readonly end: () => void;
}

type Locate = NonNullable<FollowOptions['locate']>;

function livePicture(run: string, locate: Locate): Display {
  const log = createLogUpdate(process.stderr);
  const describe = describer();
  let last: Parameters<Display['update']> | undefined;
  const lines = () => {
    if (!last) return [];
    const [status, activities] = last;
    const { columns = 80, rows = 24 } = process.stderr;
    return drawPicture(run, status, (step) => describe(step, activities[step.id]), { columns, rows });
  };
  const draw = () => {
    if (last) log(lines().map(forTerminal).join('\n'));
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
      // What stands in the picture is cut to the width of the terminal.
      const drawn = stripVTControlCharacters(lines().join('\n'));
      for (const step of last?.[0].steps ?? []) {
        for (const line of dataLines(step, run, locate)) say(line);
        if (step.state === 'done') for (const line of verdictLines(step, drawn)) say(line);
      }
    },
  };
}

function plainLines(run: string, locate: Locate): Display {
  const describe = describer();
  const last = new Map<string, string>();
  return {
    update: ({ steps }, activities) => {
      for (const step of steps) {
        const activity = activities[step.id];
        const said = describe(step, activity);
        const key = `${step.state} ${step.epoch ?? ''} ${activity?.waits ?? ''} ${troubleKey(step)}`;
        if (step.state === 'waiting' || last.get(step.id) === key) continue;
        last.set(step.id, key);
        const item = step.item === undefined ? '' : ` ${step.item}`;
        say(`${step.id}${item}: ${step.state} ${said}`.trimEnd());
        if (step.state === 'done') for (const line of dataLines(step, run, locate)) say(line);
      }
    },
    end: () => {},
  };
}

/** Each of the first failures is worth a line, and later every tenth. */
const troubleKey = ({ trouble }: StepStatus): string => {
  if (!trouble) return '';
  const { attempt } = trouble;
  return attempt <= stuckAfter + 1 ? `${attempt}` : `stuck ${Math.floor(attempt / 10)}`;
};

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
export function describer(pace = createPace()): (step: StepStatus, activity: StepActivity | undefined) => string {
  return (step, { progress: activity, waits } = {}) => {
    if (step.note) return step.note;
    if (step.asks) return questionText(step.asks);
    if (step.state === 'running' && step.trouble && !activity)
      return [troubleText(step.trouble), waits].filter(Boolean).join(', ');
    if (step.state === 'failed') return pc.red(oneLine(step.error?.message ?? ''));
    if (step.state === 'done') {
      const took =
        step.startedAt && step.endedAt
          ? formatSeconds((Date.parse(step.endedAt) - Date.parse(step.startedAt)) / 1000)
          : '';
      return [step.reused ? 'reused' : took, headline(step)].filter(Boolean).join(', ');
    }
    const loss = step.metrics ? `loss ${step.metrics.loss.toFixed(4)}` : '';
    if (activity === undefined) {
      const epochs = step.epoch !== null && step.epochs ? `${step.epoch} of ${times(step.epochs, 'epoch')} done` : '';
      return [step.state === 'running' ? waits : '', epochs, loss].filter(Boolean).join(', ');
    }
    const share = Math.min(1, activity.done / activity.total);
    const bar = `${'█'.repeat(Math.round(share * barWidth))}${'░'.repeat(barWidth - Math.round(share * barWidth))}`;
    const isEpoch = activity.unit === 'steps' && /^epoch \d+$/.test(activity.phase);
    const phase = isEpoch && step.epochs ? `${activity.phase} of ${step.epochs}` : activity.phase;
    const rate = activity.imagesPerSecond ? `${Math.round(activity.imagesPerSecond)} images/s` : '';
    const left = isEpoch
      ? remaining(step, share, secondsOfEpoch(step, activity, pace(step.id, activity)))
      : remainingOfPass(activity);
    const trouble = step.trouble ? troubleText(step.trouble) : '';
    if (waits) {
      const done = activity.done > 0 ? `${activity.done} of ${activity.total} ${activity.unit} done` : '';
      return [waits, done, trouble].filter(Boolean).join(', ');
    }
    return [`${bar} ${phase}`, loss, rate, left, trouble].filter(Boolean).join(', ');
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

function headline(step: StepStatus): string {
  const { result } = step;
  if (!result) return '';
  const decision = approvalDecisionSchema.safeParse({ ...result, approved: true });
  if (step.uses === 'approve' && decision.success) return decisionText(decision.data);
  if (step.uses === 'prepare-data') return [String(result.name), dataHeadline(step)].filter(Boolean).join(', ');
  const outcome = outcomeText(step);
  if (outcome !== '') return outcome;
  const shown = [
    'top1',
    'recallAt1',
    'mapAtR',
    'knn',
    'validationTop1',
    'loss',
    'name',
    'clean',
    'mean',
    'auroc',
  ].flatMap((name) => {
    const value = result[name];
    const beside = besideLeaks(result, name);
    if (typeof value === 'number') return [`${name} ${value.toFixed(4)}${beside}`];
    if (value === null && beside !== '') return [`no ${name}${beside}`];
    return typeof value === 'string' ? [value] : [];
  });
  return [...shown.slice(0, 2), weakestIn(result)].filter(Boolean).join(', ') || resultText(step);
}
