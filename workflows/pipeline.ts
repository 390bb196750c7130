import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import { dataGate, stepsBeforeGate } from '../pipelines/language/data-gate.ts';
import { neverStarting, pointlessSteps, readySteps } from '../pipelines/language/readiness.ts';
import { evaluateWhen, newWhenBudget } from '../pipelines/language/when.ts';
import { whenContext } from '../pipelines/language/when-context.ts';
import { following, handleMessages, type InFlight } from './control.ts';
import { describeFailure } from './failures.ts';
import { closeTrainer, lookups } from './lookups.ts';
import { pauseTrainingSignal } from './messages.ts';
import { type CarriedState, createRunState, type Result } from './run-state.ts';
import { pipelineAttribute, stageAttribute } from './search-attributes.ts';
import { execute, lookUp, lookUpInFinished, resolveStep } from './step.ts';

export interface PipelineInput {
  readonly plan: Plan;
  /** An earlier attempt of this run may have left results and checkpoints: use them. */
  readonly resume: boolean;
  /** Steps whose recorded results do not count, nor those of what follows them. */
  readonly redo?: readonly string[];
  /** Take results of other runs. @default true */
  readonly useCache?: boolean;
  /** A person agreed to a changed config: trainings go on with it from their next epoch. */
  readonly accept?: boolean;
  /** The step begins from a checkpoint of another run; the steps before it take that run's results. */
  readonly fork?: { readonly run: string; readonly step: string; readonly epoch: number };
  /** Do nothing more where every data set is the one that this run had: by step, the digests. */
  readonly unlessData?: { readonly run: string; readonly digests: { readonly [step: string]: string } };
  /** Where the run stood when its history grew long and began anew. */
  readonly state?: CarriedState;
}

/** Temporal allows 2,000 activities and children at a time; the status of so many is no longer readable long before. */
const maximumInFlight = 200;

/**
 * A history that should begin anew waits for the end of a training, unless it has grown by this factor since: then nothing
 * else is started until the training ends.
 */
const patience = 5;

/**
 * Interprets a plan: starts each step as soon as all that it needs is done, side by side where they allow it.
 *
 * A failed step takes down what depends on it, and running steps that nothing can use any more; everything else goes on to
 * its end. Then come the steps of `onFailure` and `finally`, and every failure is reported at once.
 */
export async function pipeline(input: PipelineInput): Promise<{ readonly [step: string]: Result }> {
  const { plan, resume, useCache = true, accept = false, fork } = input;
  const run = workflowInfo().workflowId;
  const root = CancellationScope.current();
  const state = createRunState(plan, input.state);
  const byId = new Map(plan.steps.map((step) => [step.id, step]));
  const running = new Map<string, InFlight>();
  let wake = () => {};
  /** Until something has happened that may let steps start or end. */
  const change = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  handleMessages({ plan, stepOf: (id) => byId.get(id), state, running, wake: () => wake() });
  root.cancelRequested.catch(() => wake());
  if (!input.state) {
    for (const id of following(plan, input.redo ?? [])) state.redo.add(id);
    upsertSearchAttributes([{ key: pipelineAttribute, value: plan.name }]);
  }
  // Runs that began before there was a cache read what they had finished in one go.
  const looksUp = patched('look-up-step');
  const finished =
    resume && !looksUp
      ? await lookups('look for finished steps').finishedSteps({ run, steps: plan.steps.map(({ id }) => id) })
      : {};

  const runStep = async (step: PlannedStep, inFlight: InFlight): Promise<void> => {
    const { id } = step;
    const isPlain = (step.role ?? 'step') === 'step';
    const changes = state.changes.get(id);
    const resolved = resolveStep(
      step,
      state.results,
      isPlain
        ? { matrices: plan.matrices, run: { id: run } }
        : { matrices: plan.matrices, run: { ...state.facts(run, root.consideredCancelled) }, missing: 'null' },
      changes,
    );
    state.resolved.set(id, resolved.parameters);
    const prepared = looksUp
      ? await lookUp(run, step, resolved, {
          redo: state.redo.has(id),
          // What the fork makes does not follow from its parameters alone.
          useCache: useCache && fork?.step !== id,
          origin: fork && fork.step !== id ? { run: fork.run, step: id } : undefined,
        })
      : await lookUpInFinished(step, resolved, finished);
    if (prepared.found) {
      const { result, from } = prepared.found;
      const origin = from && (from.run !== run || from.step !== id) ? { from } : {};
      const attempts = inFlight.attemptsBefore;
      state.update(id, { state: 'done', reused: true, attempts, result, endedAt: now(), ...origin });
      return;
    }
    if (isPlain && !root.consideredCancelled && (inFlight.pauseRequested || state.paused() !== null)) {
      const back = inFlight.pauseRequested ? 'paused' : 'waiting';
      state.update(id, { state: back, attempts: inFlight.attemptsBefore, startedAt: null });
      return;
    }
    if (!looksUp) upsertSearchAttributes([{ key: stageAttribute, value: id }]);
    const { result, retries } = await execute(step, prepared, {
      run,
      resume: resume || inFlight.attemptsBefore > 0,
      cacheable: changes === undefined && fork?.step !== id,
      accept,
      startFrom: fork?.step === id ? fork : undefined,
      onTraining: (handle) => {
        inFlight.training = handle;
        if (inFlight.pauseRequested || state.paused() !== null)
          handle.signal(pauseTrainingSignal).catch(() => undefined);
      },
    });
    state.redo.delete(id);
    state.update(id, { state: 'done', result, attempts: inFlight.attemptsBefore + 1 + retries, endedAt: now() });
  };

  const fail = async (step: PlannedStep, error: unknown): Promise<void> => {
    const { id, queue } = step;
    if (isCancellation(error)) {
      state.update(id, { state: 'cancelled', endedAt: now(), error: null });
    } else if (step.retry.onExhausted === 'pause' && !root.consideredCancelled) {
      await CancellationScope.nonCancellable(() => closeTrainer({ run, step: id, queue }));
      state.update(id, { state: root.consideredCancelled ? 'cancelled' : 'paused', error: describeFailure(error) });
    } else state.update(id, { state: 'failed', endedAt: now(), error: describeFailure(error) });
  };

  const start = (step: PlannedStep) => {
    const { id } = step;
    const attemptsBefore = state.statusOf(id)?.attempts ?? 0;
    state.update(id, { state: 'running', attempts: attemptsBefore + 1, startedAt: now(), endedAt: null });
    const scope = new CancellationScope({ cancellable: step.role !== 'finally' });
    const inFlight: InFlight = { attemptsBefore, cancel: () => scope.cancel(), pauseRequested: false, training: null };
    running.set(id, inFlight);
    scope
      .run(() => runStep(step, inFlight))
      .catch((error: unknown) => fail(step, error))
      .then(() => {
        running.delete(id);
        wake();
      });
  };

  /** Gives up what can no longer start, or is no longer of use. */
  const settle = () => {
    if (root.consideredCancelled) {
      state.setPaused(null);
      // What is there for a failure is skipped below, where there was none.
      const failed = state.facts(run, true).state === 'failed';
      for (const { id, role = 'step' } of plan.steps)
        if ((role === 'step' || (role === 'onFailure' && failed)) && !running.has(id) && isOpen(id))
          state.update(id, { state: 'cancelled' });
    }
    const lost = state.count('failed') + state.count('cancelled');
    if (lost + state.count('skipped') > 0 || running.size === 0)
      for (const [id, end] of neverStarting(plan, state.states)) state.update(id, { state: end });
    if (lost > 0) for (const id of pointlessSteps(plan, state.states)) running.get(id)?.cancel();
  };
  const isOpen = (id: string) => state.states[id] === 'waiting' || state.states[id] === 'paused';

  const whenBudget = newWhenBudget();
  /** Whether a step is to be done: its `when` says so, or it has none. */
  const isWanted = (step: PlannedStep): boolean => {
    if (step.when === undefined) return true;
    const facts = (step.role ?? 'step') === 'step' ? undefined : state.facts(run, root.consideredCancelled);
    const outcome = evaluateWhen(step.when, whenContext(plan, step, state.outcomes, facts), whenBudget);
    if (outcome.ok && outcome.value) return true;
    if (outcome.ok) state.update(step.id, { state: 'skipped' });
    else
      state.update(step.id, {
        state: 'failed',
        endedAt: now(),
        error: { type: 'InvalidInput', message: outcome.message },
      });
    return false;
  };

  const beforeGate = stepsBeforeGate(plan);
  /** Where the run is to do nothing on the data of an earlier one, that data comes first. */
  const isHeldBack = (id: string) => gate() === 'closed' && !beforeGate.has(id);
  const gate = () =>
    input.unlessData ? dataGate(plan, state.states, state.results, input.unlessData.digests) : 'open';
  const skipUnchanged = () => {
    if (gate() !== 'unchanged') return;
    for (const { id, role = 'step' } of plan.steps)
      if (role === 'step' && state.states[id] === 'waiting')
        state.update(id, { state: 'skipped', note: `the data is that of ${input.unlessData?.run}` });
  };

  let stage: string | null = null;
  const startReady = () => {
    let latest = stage;
    for (let passedOver = true; passedOver; ) {
      passedOver = false;
      settle();
      skipUnchanged();
      for (const id of readySteps(plan, state.states)) {
        const step = byId.get(id);
        if (!step || running.size >= maximumInFlight) break;
        if (isHeldBack(id)) continue;
        if (isWanted(step)) {
          start(step);
          latest = step.matrix?.of ?? id;
        } else passedOver = true;
      }
    }
    if (looksUp && latest !== null && latest !== stage)
      upsertSearchAttributes([{ key: stageAttribute, value: latest }]);
    stage = latest;
  };

  let suggestedAt: number | null = null;
  /** Nothing new starts, so that a history that has grown long can begin anew. */
  const isDraining = () => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (!continueAsNewSuggested || root.consideredCancelled || stage === null) return false;
    suggestedAt ??= historyLength;
    const trains = [...running.values()].some(({ training }) => training !== null);
    return !trains || historyLength > patience * suggestedAt;
  };

  for (;;) {
    const isDrained = isDraining();
    if (state.paused() === null && !isDrained) startReady();
    else settle();
    if (running.size === 0) {
      if (state.count('waiting') + state.count('paused') === 0) break;
      if (isDrained) {
        await condition(allHandlersFinished);
        if (!root.consideredCancelled) return continueAsNew<typeof pipeline>({ ...input, state: state.carry() });
        continue;
      }
    }
    await change();
  }
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  if (root.consideredCancelled)
    throw new CancelledFailure('The run was cancelled; `contrail resume` goes on from its checkpoints.');
  const failures = state.failures();
  if (failures.length > 0) throw ApplicationFailure.nonRetryable(failures.join('\n'), 'RunFailed');
  return { ...state.results };
}

const now = () => new Date().toISOString();
