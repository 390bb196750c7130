import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { EpochMark } from '../activities/open-training.ts';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { Json } from '../contracts/json.ts';
import { describeLost } from '../contracts/lost-checkpoint.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import { describeDifference } from '../contracts/training-changes.ts';
import type { TrainingKindName } from '../contracts/training-kinds.ts';
import { decide, type Finding, nonFiniteLoss, watchRules } from '../contracts/watch.ts';
import {
  afterEpoch,
  backTo,
  type Course,
  changed,
  courseOf,
  earlierConfigs,
  followsFromPlan,
  letGoOn,
  markUpTo,
  newCourse,
  refusalOf,
  retriesFor,
} from './course.ts';
import { describeFailure } from './failures.ts';
import { lookups } from './lookups.ts';
import { progressQuery, type StepProgress, stepProgressSignal } from './messages.ts';
import { workOptions } from './options.ts';
import { bestLossAttribute, epochAttribute, stageAttribute } from './search-attributes.ts';
import { tellParent } from './tell-parent.ts';
import { controlTraining } from './training-control.ts';

/** Where a training stands, as its history knows it. Plain JSON: it is carried over when the history grows long. */
export interface TrainingState extends EpochMark {
  readonly retries: number;
  /** The last checkpoint that was to be there and is gone: a sentence. */
  readonly lost?: string;
}

export interface TrainingInput extends Pick<PlannedStep, 'queue' | 'timeoutMs' | 'retry' | 'priority'> {
  readonly run: string;
  readonly step: string;
  readonly uses: TrainingKindName;
  readonly dataset: ArtifactRef;
  readonly parameters: { readonly [key: string]: Json };
  readonly fingerprint: string;
  /** Look for checkpoints of an earlier attempt of the run first. */
  readonly resume: boolean;
  /** False where the result does not follow from the fingerprint alone. */
  readonly cache?: boolean;
  /** A person agreed to a changed config. */
  readonly accept: boolean;
  /** The checkpoint of another run that it goes on from. */
  readonly startFrom?: { readonly run: string; readonly step: string; readonly epoch: number };
  /** It stops after this epoch, at its checkpoint, and another step goes on from there. Its config is that of the whole training. */
  readonly until?: number;
  /** The step that stopped where this one goes on, and the digest that it stopped with. */
  readonly continues?: Stopped;
  readonly state?: TrainingState;
  readonly course?: Course;
  readonly paused?: boolean;
}

/** Where a training stopped at a rung: a step with its checkpoints, and the state there. */
export interface Stopped {
  readonly run: string;
  readonly step: string;
  readonly epoch: number;
  readonly digest: string;
}

export interface TrainingOutcome {
  readonly result: { readonly [key: string]: Json };
  readonly retries: number;
}

/** A parent is told of its training's progress at most so many times. */
const maximumProgressSignals = 100;

const shownChanges = 5;

/**
 * The epoch loop: one activity an epoch, each checked against the digest that the epoch before it recorded. Between two epochs
 * it is decided whether the training is well, and changes are made. A history that grows long is carried on in a new one.
 */
export async function training(input: TrainingInput): Promise<TrainingOutcome> {
  const { run, step, uses, dataset, fingerprint, startFrom } = input;
  const key = { run, step, uses, dataset };
  let state = input.state;
  let course = input.course ?? newCourse(input.parameters);
  let isFinishing = false;
  const last = () => Math.min(Number(course.parameters.epochs), input.until ?? Number.POSITIVE_INFINITY);
  setHandler(progressQuery, () => (state ? progressOf(input, state, last()) : null), {
    description: 'Epochs done, and the latest metrics',
  });
  const control = controlTraining({
    step,
    key: { run, step, queue: input.queue },
    paused: input.paused ?? false,
    whereItStands: () => (state ? `after epoch ${state.epoch} of ${last()}` : 'before its first epoch'),
    refusal: (change) =>
      isFinishing
        ? `The training ${step} has taken its last epoch.`
        : refusalOf(course, change, (state?.epoch ?? 0) + 1),
  });

  if (!state && (input.resume || startFrom || input.continues)) {
    const opened = await open(input);
    if (opened.found) state = { ...opened.found, retries: 0 };
    course = opened.course;
  }

  /** Does what the rules say about a finding. @returns whether to stop */
  const act = async (finding: Finding, error?: unknown): Promise<boolean> => {
    const decision = decide(finding, watchRules(course.parameters), retriesFor(course, finding.rule));
    if (decision.do === 'fail')
      throw (
        error ?? ApplicationFailure.nonRetryable(`After epoch ${state?.epoch ?? 0}, ${finding.message}.`, 'Unhealthy')
      );
    if (decision.do === 'pause') {
      control.pause(`${finding.rule}: ${finding.message}`);
      course = letGoOn(course);
      return false;
    }
    if (decision.do === 'stop') {
      setCurrentDetails(`**Stopped** after epoch ${state?.epoch ?? 0}: ${finding.message}`);
      return true;
    }
    if (decision.do !== 'retry') return false;
    const mark = markUpTo(course, finding.goodEpoch) ?? (startFrom ? course.marks[0] : undefined);
    course = backTo(course, mark?.epoch ?? 0, decision.factor, finding);
    state = mark && {
      ...mark,
      retries: state?.retries ?? 0,
      ...(state?.lost === undefined ? {} : { lost: state.lost }),
    };
    await record(input, course, mark?.epoch ?? 0);
    return false;
  };

  let stoppedBy: Finding | null = null;
  while (stoppedBy === null) {
    const wanted = control.takeChanges();
    for (const { path, value: to } of wanted)
      course = changed(course, { after: state?.epoch ?? 0, path, to, by: 'set', why: 'contrail set' });
    if (wanted.length > 0) await record(input, course);
    const epoch = (state?.epoch ?? 0) + 1;
    if (epoch > last()) break;
    if (workflowInfo().continueAsNewSuggested && state && state !== input.state) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof training>({ ...input, state, course, paused: control.isPaused() });
    }
    const { trainEpoch } = proxyActivities<Activities>({
      ...workOptions(input),
      activityId: `epoch-${epoch}`,
      summary: `${step}: epoch ${epoch} of ${last()}`,
    });
    const past = pastOf(input, course);
    const recorded = state ? { recorded: { epoch: state.epoch, digest: state.digest } } : {};
    const { parameters } = course;
    const mayReturnTo = course.marks.map((mark) => mark.epoch);
    let trained: Awaited<ReturnType<typeof trainEpoch>>;
    try {
      trained = await control.pausable(() =>
        trainEpoch({ ...key, parameters, ...past, epoch, ...recorded, mayReturnTo, ...untilOf(input) }),
      );
    } catch (error) {
      const failure = describeFailure(error);
      if (failure.type !== 'NonFiniteLoss') throw error;
      const finding = nonFiniteLoss(state?.epoch ?? 0, failure.message, watchRules(course.parameters));
      if (await act(finding, error)) {
        if (!state) throw error;
        stoppedBy = finding;
      }
      continue;
    }
    const { result, attempt } = trained;
    requireStopped(input, epoch, result.digest);
    const mark = { epoch, digest: result.digest, metrics: result.metrics, best: result.best };
    const lost = result.withoutCheckpoint ? describeLost(result.withoutCheckpoint) : state?.lost;
    state = { ...mark, retries: (state?.retries ?? 0) + attempt - 1, ...(lost === undefined ? {} : { lost }) };
    await publish(input, state, course, input.until ?? Number(control.wanted('epochs') ?? last()));
    const { course: watched, finding } = afterEpoch(course, mark);
    course = watched;
    if (finding && (await act(finding))) stoppedBy = finding;
  }
  isFinishing = true;
  if (!state) throw new Error('a training has at least one epoch');
  // One that was stopped keeps its best epoch.
  const kept = (stoppedBy && course.marks.find((mark) => mark.epoch === state?.best.epoch)) || state;
  const { finishTraining } = proxyActivities<Activities>({
    ...workOptions(input),
    activityId: 'encoder',
    summary: `${step}: take out the encoder`,
  });
  const isCacheable = input.cache !== false && !startFrom && stoppedBy?.rule !== 'time' && followsFromPlan(course);
  const { result, attempt } = await finishTraining({
    ...key,
    parameters: course.parameters,
    ...pastOf(input, course),
    fingerprint,
    recorded: { epoch: kept.epoch, digest: kept.digest },
    loss: kept.metrics.loss,
    bestLoss: state.best.loss,
    ...(isCacheable ? {} : { cache: false }),
  });
  await condition(allHandlersFinished);
  return { result, retries: state.retries + attempt - 1 };
}

/** Finds where an earlier attempt, or another run, left the training. */
async function open(input: TrainingInput): Promise<{ found: EpochMark | null; course: Course }> {
  const { run, step, uses, dataset, parameters, accept, startFrom, continues } = input;
  const key = { run, step, uses, dataset, parameters };
  const activities = lookups('look for checkpoints');
  const from = { ...(startFrom ? { startFrom } : {}), ...(continues ? { continues } : {}), ...untilOf(input) };
  const opened = await activities.openTraining({ ...key, accept, ...from });
  return { found: opened.found, course: courseOf(opened) };
}

const untilOf = ({ until }: TrainingInput) => (until === undefined ? {} : { until });

/** Where the checkpoint that it was to go on from is gone, the epochs before it are trained again, and must arrive at the same bits. */
function requireStopped({ step, continues }: TrainingInput, epoch: number, digest: string): void {
  if (continues?.epoch === epoch && continues.digest !== digest)
    throw ApplicationFailure.nonRetryable(
      `The checkpoint that ${continues.run}/${continues.step} stopped at is gone, and ${step}, trained anew, came to epoch ${epoch} with the state ${digest} in place of ${continues.digest}.`,
      'DigestMismatch',
    );
}

const record = ({ run, step }: TrainingInput, { changes }: Course, discardAfter?: number): Promise<void> =>
  lookups(`${step}: remember what was changed`).recordChanges({
    run,
    step,
    changes: [...changes],
    ...(discardAfter === undefined ? {} : { discardAfter }),
  });

/** What the trainer must know of the epochs before. */
function pastOf({ dataset, startFrom }: TrainingInput, course: Course) {
  const earlier = earlierConfigs(course, dataset.digest);
  return { ...(earlier ? { earlier } : {}), ...(startFrom ? { startsAt: startFrom.epoch } : {}) };
}

const progressOf = (
  { step }: TrainingInput,
  { epoch, metrics, retries, lost }: TrainingState,
  epochs: number,
): StepProgress => ({
  step,
  epoch,
  epochs,
  metrics,
  retries,
  ...(lost === undefined ? {} : { lost }),
});

async function publish(input: TrainingInput, state: TrainingState, { changes }: Course, epochs: number): Promise<void> {
  const { step } = input;
  const { epoch, metrics, best, digest, lost } = state;
  upsertSearchAttributes([
    { key: stageAttribute, value: step },
    { key: epochAttribute, value: epoch },
    { key: bestLossAttribute, value: best.loss },
  ]);
  setCurrentDetails(
    [
      `Epoch ${epoch} of ${epochs}`,
      '',
      '| loss | best loss | learning rate | images/s | state |',
      '| --- | --- | --- | --- | --- |',
      `| ${metrics.loss.toFixed(4)} | ${best.loss.toFixed(4)} (epoch ${best.epoch}) | ${metrics.learningRate.toPrecision(3)} | ${Math.round(metrics.imagesPerSecond)} | \`${digest.slice(0, 12)}\` |`,
      ...(lost === undefined ? [] : ['', `**Note**: ${lost}.`]),
      ...changes
        .slice(-shownChanges)
        .flatMap((change) => [
          '',
          `After epoch ${change.after} (${change.why.split('\n')[0]}) ${describeDifference(change)}`,
        ]),
    ].join('\n'),
  );
  if (epoch % Math.ceil(epochs / maximumProgressSignals) !== 0 && epoch !== epochs) return;
  await tellParent((parent) => parent.signal(stepProgressSignal, progressOf(input, state, epochs)));
}
