import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { isMapping, type Json } from '../contracts/json.ts';
import { jsonSize } from '../contracts/json-size.ts';
import { mostLostText } from '../contracts/kinds/sweep.ts';
import { limits } from '../contracts/limits.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import { newWhenBudget } from '../pipelines/language/expressions/when.ts';
import { following } from '../pipelines/language/interpret/following.ts';
import { awaitAnswer, openApproval } from './approval.ts';
import { handleMessages, type InFlight } from './control.ts';
import { attemptsOf, describeFailure } from './failures.ts';
import { closeTrainer, lookups } from './lookups.ts';
import { pauseTrainingSignal } from './messages.ts';
import { type CarriedState, createRunState, type Result, type RunState } from './run-state.ts';
import { type Decision, decide, runFacts, type Situation } from './scheduler.ts';
import { pipelineAttribute, stageAttribute, stateAttribute } from './search-attributes.ts';
import { execute, lookUp, type PreparedStep, resolveStep } from './step.ts';
import type { Stopped } from './training.ts';

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

/**
 * A history that should begin anew waits for the end of a training, unless it has grown by this factor since: then nothing
 * else is started until the training ends.
 */
const patience = 5;

/** Temporal takes 2 MiB. */
const maximumInputBytes = 1900 * 1024;

/**
 * Interprets a plan: starts each step as soon as all that it needs is done, side by side where they allow it.
 *
 * A failed step takes down what depends on it, and running steps that nothing can use any more; everything else goes on to
 * its end. Then come the steps of `onFailure` and `finally`, and every failure is reported at once.
 */
export async function pipeline(input: PipelineInput): Promise<{ readonly [step: string]: Result }> {
  const { resume, useCache = true, accept = false, fork } = input;
  const run = workflowInfo().workflowId;
  const root = CancellationScope.current();
  const state = createRunState(input.plan, input.state);
  let byId = stepsById(state.plan());
  const running = new Map<string, InFlight>();
  let wake = () => {};
  /** Until something has happened that may let steps start or end. */
  const change = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  handleMessages({ stepOf: (id) => byId.get(id), state, running, wake: () => wake() });
  root.cancelRequested.catch(() => wake());
  if (!input.state) {
    for (const id of following(input.plan, input.redo ?? [])) state.redo.add(id);
    upsertSearchAttributes([{ key: pipelineAttribute, value: input.plan.name }]);
  }

  const runStep = async (step: PlannedStep, inFlight: InFlight): Promise<void> => {
    const { id } = step;
    const isPlain = (step.role ?? 'step') === 'step';
    const plan = state.plan();
    const changes = state.changes.get(id);
    const filled = resolveStep(
      step,
      state.results,
      isPlain
        ? { matrices: plan.matrices, run: { id: run }, ...(step.uses === 'trial' ? { missing: 'null' } : {}) }
        : { matrices: plan.matrices, run: { ...runFacts(plan, situation(false)) }, missing: 'null' },
      changes,
    );
    const resolved = { ...filled, parameters: withProblems(step, filled.parameters, state) };
    state.resolved.set(id, resolved.parameters);
    const prepared = await lookUp(run, step, resolved, {
      redo: state.redo.has(id),
      // What the fork makes does not follow from its parameters alone.
      useCache: useCache && fork?.step !== id,
      origin: fork && fork.step !== id ? { run: fork.run, step: id } : undefined,
    });
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
    const { result, retries } = await execute(step, prepared, {
      run,
      resume: resume || inFlight.attemptsBefore > 0,
      cacheable: changes === undefined && fork?.step !== id,
      accept,
      startFrom: fork?.step === id ? fork : undefined,
      continues: stoppedAt(step, state.results),
      ask: () => ask(step, prepared, inFlight),
      onTraining: (handle) => {
        inFlight.training = handle;
        if (inFlight.pauseRequested || state.paused() !== null)
          handle.signal(pauseTrainingSignal).catch(() => undefined);
      },
    });
    if (result === null) {
      state.update(id, { state: 'waiting', attempts: inFlight.attemptsBefore, startedAt: null });
      return;
    }
    state.redo.delete(id);
    state.update(id, {
      state: 'done',
      result,
      asks: null,
      attempts: inFlight.attemptsBefore + 1 + retries,
      endedAt: now(),
    });
  };

  /** Waits for a person; gives null where the wait is to begin again, in a new history. */
  const ask = async (step: PlannedStep, { parameters, inputs, fingerprint }: PreparedStep, inFlight: InFlight) => {
    const { id } = step;
    const approval = openApproval(parameters, state.statusOf(id)?.asks ?? null, state.decisions.get(id));
    inFlight.approval = approval;
    state.update(id, { asks: approval.question });
    const answer = await awaitAnswer(approval);
    if (answer.is !== 'decided') return null;
    const record = { run, step: id, parameters, inputs, fingerprint, decision: answer.decision };
    return lookups(`${id}: write down what was decided`).recordDecision(record);
  };

  const fail = async (step: PlannedStep, error: unknown): Promise<void> => {
    const { id, queue } = step;
    if (isCancellation(error)) {
      state.update(id, { state: 'cancelled', asks: null, endedAt: now(), error: null });
      return;
    }
    const before = running.get(id)?.attemptsBefore ?? 0;
    state.update(id, { attempts: Math.max(state.statusOf(id)?.attempts ?? 1, before + attemptsOf(error)) });
    if (step.retry.onExhausted === 'pause' && !root.consideredCancelled) {
      await CancellationScope.nonCancellable(() => closeTrainer({ run, step: id, queue }));
      state.update(id, {
        state: root.consideredCancelled ? 'cancelled' : 'paused',
        asks: null,
        error: describeFailure(error),
      });
    } else state.update(id, { state: 'failed', asks: null, endedAt: now(), error: describeFailure(error) });
  };

  const start = (step: PlannedStep) => {
    const { id } = step;
    const attemptsBefore = state.statusOf(id)?.attempts ?? 0;
    state.update(id, { state: 'running', attempts: attemptsBefore + 1, startedAt: now(), endedAt: null });
    const scope = new CancellationScope({ cancellable: step.role !== 'finally' });
    const inFlight: InFlight = {
      attemptsBefore,
      cancel: () => scope.cancel(),
      pauseRequested: false,
      training: null,
      approval: null,
    };
    running.set(id, inFlight);
    scope
      .run(() => runStep(step, inFlight))
      .catch((error: unknown) => fail(step, error))
      .then(() => {
        running.delete(id);
        wake();
      });
  };

  const whenBudget = newWhenBudget();
  const situation = (isHeld: boolean): Situation => ({
    run,
    outcomes: state.outcomes,
    inFlight: running.keys(),
    isCancelled: root.consideredCancelled,
    isHeld,
    unlessData: input.unlessData,
  });

  const carryOut = (decision: Decision): void => {
    if (decision.kind === 'expand') {
      state.expand(decision.plan);
      byId = stepsById(decision.plan);
    } else if (decision.kind === 'start') start(decision.step);
    else if (decision.kind === 'stop') running.get(decision.id)?.cancel();
    else if (decision.as === 'failed')
      state.update(decision.id, {
        state: 'failed',
        endedAt: now(),
        error: { type: 'InvalidInput', message: decision.why },
      });
    else if (decision.as === 'skipped')
      state.update(decision.id, { state: 'skipped', ...(decision.note === undefined ? {} : { note: decision.note }) });
    else state.update(decision.id, { state: decision.as });
  };

  let stage: string | null = null;
  /** The search attribute names the step that was started last. */
  const showStage = (decisions: readonly Decision[]) => {
    const started = decisions.findLast((decision) => decision.kind === 'start')?.step;
    const latest = started?.matrix?.of ?? started?.id ?? stage;
    if (latest !== null && latest !== stage) upsertSearchAttributes([{ key: stageAttribute, value: latest }]);
    stage = latest;
  };

  let isShownPaused = false;
  /** A run whose steps all wait for a person is paused as much as one that a person paused, and the list shows it. */
  const showPausedSteps = () => {
    const isPaused = state.paused() === null && state.overall() === 'paused';
    if (isPaused === isShownPaused) return;
    isShownPaused = isPaused;
    if (state.paused() === null)
      upsertSearchAttributes([{ key: stateAttribute, value: isPaused ? 'paused' : 'running' }]);
  };

  let suggestedAt: number | null = null;
  let fits = true;
  /** Nothing new starts, so that a history that has grown long can begin anew. */
  const isDraining = () => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (!continueAsNewSuggested || root.consideredCancelled || stage === null || !fits) return false;
    suggestedAt ??= historyLength;
    const trains = [...running.values()].some(({ training }) => training !== null);
    return !trains || historyLength > patience * suggestedAt;
  };

  for (;;) {
    const isDrained = isDraining();
    if (isDrained)
      for (const { approval } of running.values())
        if (approval?.answer.is === 'open') approval.answer = { is: 'released' };
    if (root.consideredCancelled) state.setPaused(null);
    const decisions = decide(state.plan(), situation(state.paused() !== null || isDrained), whenBudget);
    for (const decision of decisions) carryOut(decision);
    showStage(decisions);
    if (running.size === 0) {
      if (state.count('waiting') + state.count('paused') === 0) break;
      if (isDrained) {
        await condition(allHandlersFinished);
        const next = { ...input, state: state.carry() };
        // What is too large to be carried over goes on in this history for as long as Temporal lets it.
        fits = jsonSize(next as unknown as Json) <= maximumInputBytes;
        if (fits && !root.consideredCancelled) return continueAsNew<typeof pipeline>(next);
        continue;
      }
    }
    showPausedSteps();
    await change();
  }
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  if (root.consideredCancelled)
    throw new CancelledFailure('The run was cancelled; `contrail resume` goes on from its checkpoints.');
  const failures = state.failures();
  if (failures.length > 0) {
    const message = failures.join('\n');
    throw ApplicationFailure.nonRetryable(
      message.length <= limits.failureCharacters
        ? message
        : `${message.slice(0, limits.failureCharacters)}… (${failures.length} steps failed)`,
      'RunFailed',
    );
  }
  // Nobody reads the answer but Temporal's UI: the store has every result.
  return jsonSize(state.results as unknown as Json) <= limits.stateBytes ? { ...state.results } : {};
}

/**
 * What writes down what a trial came to also says what its steps failed with. That is put in last: a text in it that looks like a
 * reference must not become one.
 */
function withProblems(step: PlannedStep, parameters: Result, { outcomes }: Pick<RunState, 'outcomes'>): Result {
  if (step.uses !== 'trial') return parameters;
  const problems = step.needs.flatMap((id) => {
    const outcome = outcomes[id];
    return outcome?.state === 'failed' ? [`${id}: ${outcome.error}`.slice(0, mostLostText)] : [];
  });
  return { ...parameters, problems };
}

/** Where the rung before was reached, as the result of its training says. */
function stoppedAt({ rung }: PlannedStep, results: RunState['results']): Stopped | undefined {
  const before = rung?.after === undefined ? undefined : results[rung.after];
  const { trained, epochs, digest } = before ?? {};
  if (!isMapping(trained) || typeof digest !== 'string') return undefined;
  return { run: String(trained.run), step: String(trained.step), epoch: Number(epochs), digest };
}

const stepsById = ({ steps }: Plan) => new Map(steps.map((step) => [step.id, step]));

const now = () => new Date().toISOString();
