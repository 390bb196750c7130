import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { canonicalJson, type Json } from '../contracts/json.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import type { PipelineStatus, StepState, StepStatus } from '../contracts/status.ts';
import type { StepKindName, TrainingKindName } from '../contracts/step-kinds.ts';
import { dataGate, stepsBeforeGate } from '../pipelines/language/data-gate.ts';
import { doomedSteps, pointlessSteps, readySteps } from '../pipelines/language/readiness.ts';
import { findReferences, resolveResults } from '../pipelines/language/references.ts';
import { stepTable } from './details.ts';
import { describeFailure } from './failures.ts';
import { statusQuery, stepProgressSignal } from './messages.ts';
import { controlQueue, lookupOptions, workOptions } from './options.ts';
import { pipelineAttribute, stageAttribute } from './search-attributes.ts';
import { training } from './training.ts';

export interface PipelineInput {
  readonly plan: Plan;
  /** An earlier attempt of this run may have left results and checkpoints: use them. */
  readonly resume: boolean;
  /** Do nothing more where every data set is the one that this run had: by step, the digests. */
  readonly unlessData?: { readonly run: string; readonly digests: { readonly [step: string]: string } };
}

type Result = { readonly [key: string]: Json };

/** The activity of each kind of step that is one activity. */
const activityOf = {
  'prepare-data': 'prepareData',
  'linear-probe': 'linearProbe',
  evaluate: 'evaluate',
  promote: 'promote',
  notify: 'notify',
} as const satisfies Record<Exclude<StepKindName, TrainingKindName>, keyof Activities>;

const isTraining = (uses: StepKindName): uses is TrainingKindName => uses === 'pretrain' || uses === 'train-classifier';

/**
 * Interprets a plan: starts each step as soon as all that it needs is done, side by side where they allow it.
 *
 * A failed step takes down what depends on it, and running steps that nothing can use any more; everything else goes on to
 * its end. Then every failure is reported at once.
 */
export async function pipeline({
  plan,
  resume,
  unlessData,
}: PipelineInput): Promise<{ readonly [step: string]: Result }> {
  const run = workflowInfo().workflowId;
  const steps: Record<string, StepStatus> = Object.fromEntries(plan.steps.map((step) => [step.id, waiting(step)]));
  const inOrder = () => plan.steps.flatMap(({ id }) => steps[id] ?? []);
  const states = (): Record<string, StepState> => Object.fromEntries(inOrder().map(({ id, state }) => [id, state]));
  const update = (id: string, change: Partial<StepStatus>) => {
    const step = steps[id];
    if (step) steps[id] = { ...step, ...change };
    setCurrentDetails(stepTable(inOrder()));
  };

  setHandler(
    statusQuery,
    (): PipelineStatus => ({ pipeline: plan.name, state: overallState(inOrder()), steps: inOrder() }),
    { description: 'The state of every step' },
  );
  setHandler(
    stepProgressSignal,
    ({ step, epoch, epochs, metrics, retries }) => update(step, { epoch, epochs, metrics, attempts: 1 + retries }),
    { description: 'A training reports an epoch' },
  );
  upsertSearchAttributes([{ key: pipelineAttribute, value: plan.name }]);
  setCurrentDetails(stepTable(inOrder()));

  const finished = resume
    ? await proxyActivities<Activities>({
        ...lookupOptions,
        taskQueue: controlQueue,
        summary: 'look for finished steps',
      }).finishedSteps({ run, steps: plan.steps.map(({ id }) => id) })
    : {};
  const results: Record<string, Result> = {};
  const running = new Map<string, { scope: CancellationScope; ended: Promise<void> }>();

  const runStep = async (step: PlannedStep): Promise<void> => {
    const { parameters, inputs, fingerprint } = await prepareStep(step, results);
    const stored = finished[step.id];
    if (stored?.fingerprint === fingerprint) {
      results[step.id] = stored.result;
      update(step.id, { state: 'done', reused: true, attempts: 0, result: stored.result, endedAt: now() });
      return;
    }
    upsertSearchAttributes([{ key: stageAttribute, value: step.id }]);
    const { result, retries } = await execute(run, step, { parameters, inputs, fingerprint, resume });
    results[step.id] = result;
    update(step.id, { state: 'done', result, attempts: 1 + retries, endedAt: now() });
  };

  const start = (step: PlannedStep) => {
    update(step.id, { state: 'running', attempts: 1, startedAt: now() });
    const scope = new CancellationScope();
    const ended = scope
      .run(() => runStep(step))
      .catch((error: unknown) => {
        const state = isCancellation(error) ? 'cancelled' : 'failed';
        update(step.id, { state, endedAt: now(), error: state === 'failed' ? describeFailure(error) : null });
      })
      .then(() => {
        running.delete(step.id);
      });
    running.set(step.id, { scope, ended });
  };

  const root = CancellationScope.current();
  const beforeGate = stepsBeforeGate(plan);
  for (;;) {
    for (const id of doomedSteps(plan, states())) update(id, { state: 'cancelled' });
    for (const id of pointlessSteps(plan, states())) running.get(id)?.scope.cancel();
    const gate = unlessData ? dataGate(plan, states(), results, unlessData.digests) : 'open';
    if (gate === 'unchanged')
      for (const { id, state } of inOrder())
        if (state === 'waiting') update(id, { state: 'skipped', note: `the data is that of ${unlessData?.run}` });
    for (const id of readySteps(plan, states())) {
      if (gate === 'closed' && !beforeGate.has(id)) continue;
      const step = plan.steps.find((each) => each.id === id);
      if (root.consideredCancelled) update(id, { state: 'cancelled' });
      else if (step) start(step);
    }
    if (running.size === 0) break;
    await Promise.race([...running.values()].map(({ ended }) => ended));
  }
  if (root.consideredCancelled)
    throw new CancelledFailure('The run was cancelled; `contrail resume` goes on from its checkpoints.');
  const failures = inOrder().filter(({ state }) => state === 'failed');
  if (failures.length > 0)
    throw ApplicationFailure.nonRetryable(
      failures.map(({ id, error }) => `${id}: ${error?.message}`).join('\n'),
      'RunFailed',
    );
  return results;
}

/** Fills in results of earlier steps, and says what the step's own result follows from. */
async function prepareStep(step: PlannedStep, results: Readonly<Record<string, Result>>) {
  const inputs: Record<string, ArtifactRef> = {};
  for (const [name, { step: source, field }] of Object.entries(step.inputs))
    inputs[name] = results[source]?.[field] as unknown as ArtifactRef;
  const resolved = resolveResults(step.with, results as Record<string, Json>) as Result;
  const hadReferences = findReferences(step.with).length > 0;
  const parameters = hadReferences
    ? await proxyActivities<Activities>({
        ...lookupOptions,
        taskQueue: controlQueue,
        summary: `check the parameters of ${step.id}`,
      }).checkParameters({ step: step.id, uses: step.uses, parameters: resolved })
    : resolved;
  return {
    parameters,
    inputs,
    fingerprint: canonicalJson({ uses: step.uses, version: step.version, with: parameters, inputs }),
  };
}

interface Prepared {
  readonly parameters: Result;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  readonly fingerprint: string;
  readonly resume: boolean;
}

async function execute(
  run: string,
  step: PlannedStep,
  { parameters, inputs, fingerprint, resume }: Prepared,
): Promise<{ result: Result; retries: number }> {
  const { id, uses, queue, timeoutMs, retry } = step;
  if (isTraining(uses)) {
    const { dataset } = inputs;
    if (!dataset) throw ApplicationFailure.nonRetryable(`Step ${id} has no data set.`, 'InvalidInput');
    return executeChild(training, {
      workflowId: `${run}/${id}`,
      args: [
        {
          run,
          step: id,
          uses,
          queue,
          timeoutMs,
          retry,
          dataset,
          parameters,
          epochs: Number(parameters.epochs),
          fingerprint,
          resume,
        },
      ],
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `${id} of ${run}`,
      typedSearchAttributes: [{ key: stageAttribute, value: id }],
    });
  }
  const activities = proxyActivities<Activities>({ ...workOptions(step), activityId: id, summary: `${id}: ${uses}` });
  const { result, attempt } = await activities[activityOf[uses]]({ run, step: id, parameters, inputs, fingerprint });
  return { result, retries: attempt - 1 };
}

const now = () => new Date().toISOString();

const waiting = ({ id, uses, needs, with: parameters }: PlannedStep): StepStatus => ({
  id,
  uses,
  needs,
  state: 'waiting',
  attempts: 0,
  reused: false,
  startedAt: null,
  endedAt: null,
  epoch: null,
  epochs: typeof parameters.epochs === 'number' && isTraining(uses) ? parameters.epochs : null,
  metrics: null,
  result: null,
  error: null,
});

function overallState(steps: readonly StepStatus[]): PipelineStatus['state'] {
  if (steps.some(({ state }) => state === 'running' || state === 'waiting')) return 'running';
  if (steps.some(({ state }) => state === 'failed')) return 'failed';
  return steps.some(({ state }) => state === 'cancelled') ? 'cancelled' : 'done';
}
