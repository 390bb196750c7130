import {
  ApplicationFailure,
  type ChildWorkflowHandle,
  condition,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  uuid4,
} from '@temporalio/workflow';
import { z } from 'zod';
import { type ApproveRequest, approveRequestSchema } from '../contracts/approval.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import { stepKinds } from '../contracts/step-kinds.ts';
import { changeRule, withValueAt } from '../contracts/training-changes.ts';
import { isShardsKind, isTrainingKind } from '../contracts/training-kinds.ts';
import { findReferences } from '../pipelines/language/expressions/references.ts';
import { following, givenUpWith } from '../pipelines/language/interpret/following.ts';
import { hasEnded } from '../pipelines/language/interpret/readiness.ts';
import { toleratedSteps } from '../pipelines/language/interpret/tolerance.ts';
import { describeIssues } from '../pipelines/language/problems/issues.ts';
import { type Approval, decisionOf } from './approval.ts';
import { describeFailure } from './failures.ts';
import { whyFixed } from './fixed-steps.ts';
import { lookups } from './lookups.ts';
import {
  approveUpdate,
  type PauseRequest,
  pauseTrainingSignal,
  pauseUpdate,
  retryUpdate,
  type SetRequest,
  setTrainingSignal,
  setUpdate,
  statusQuery,
  stepChangedSignal,
  stepPausedSignal,
  stepProgressSignal,
  stepTroubleSignal,
  type UnpauseRequest,
  unpauseTrainingSignal,
  unpauseUpdate,
} from './messages.ts';
import type { Changes, RunState } from './run-state.ts';
import { stateAttribute } from './search-attributes.ts';
import type { training } from './training.ts';

/** A step that has been started and has not ended. */
export interface InFlight {
  /** Attempts before this one was started. */
  readonly attemptsBefore: number;
  readonly cancel: () => void;
  /** A person wants it to stop at the next safe point. */
  pauseRequested: boolean;
  /** The workflow of a training, or of an embedding. */
  training: Pick<ChildWorkflowHandle<typeof training>, 'signal'> | null;
  /** What it asks of a person while it waits for one. */
  approval: Approval | null;
}

/** What the messages work with. */
export interface Controlled {
  readonly stepOf: (id: string) => PlannedStep | undefined;
  readonly state: RunState;
  readonly running: ReadonlyMap<string, InFlight>;
  /** Has the interpreter look again. */
  readonly wake: () => void;
}

const idsOf = (state: RunState): string[] => state.plan().steps.map(({ id }) => id);
const mayPause = (step: PlannedStep | undefined) =>
  step !== undefined && (isTrainingKind(step.uses) || isShardsKind(step.uses));
const isTraining = (step: PlannedStep | undefined) => step !== undefined && isTrainingKind(step.uses);
const refuse = (message: string) => ApplicationFailure.nonRetryable(message, 'Refused');

/** Answers the messages of people and of trainings. Validators refuse with a sentence, and nothing is recorded. */
export function handleMessages(controlled: Controlled): void {
  const { state, running, wake } = controlled;
  setHandler(statusQuery, state.status, { description: 'The state of every step' });
  setHandler(
    stepProgressSignal,
    ({ step, epoch, epochs, metrics, retries, lost }) =>
      state.update(step, {
        epoch,
        epochs,
        metrics,
        ...(lost === undefined ? {} : { lost }),
        attempts: (running.get(step)?.attemptsBefore ?? 0) + 1 + retries,
      }),
    { description: 'A training reports an epoch' },
  );
  setHandler(stepTroubleSignal, ({ step, failed }) => state.setTrouble(step, failed), {
    description: "An attempt at a step's work failed and is made again, or has succeeded since",
  });
  setHandler(
    stepPausedSignal,
    ({ step, paused }) => {
      if (running.has(step)) state.update(step, { state: paused ? 'paused' : 'running' });
      wake();
    },
    { description: 'A training has stopped at a checkpoint, or goes on' },
  );
  setHandler(pauseUpdate, (request) => pause(controlled, request), {
    validator: (request) => refusePause(controlled, request),
    description: 'Start nothing new, and stop trainings at their next step; or only the steps named',
  });
  setHandler(unpauseUpdate, (request) => unpause(controlled, request), {
    validator: (request) => refuseUnpause(controlled, request),
    description: 'Let the run, or a step that waits, go on; "set" changes parameters of a step that waits',
  });
  const answers = new Map<string, string | null>();
  setHandler(stepChangedSignal, ({ id, refused }) => void answers.set(id, refused), {
    description: 'A training has taken up a change, or refuses it',
  });
  setHandler(setUpdate, (request) => set(controlled, answers, request), {
    validator: (request) => refuseSet(controlled, request),
    description: 'Change a parameter of a step that has not begun, or of a training where that is allowed',
  });
  setHandler(approveUpdate, (request) => approve(controlled, request), {
    validator: (request) => refuseApprove(controlled, request),
    description:
      'Approve a step that waits for a person: { "step": "…", "as": "your name", "reason": "…" }; "approved": false rejects it',
  });
  setHandler(retryUpdate, ({ step }) => retry(controlled, step), {
    validator: ({ step }) => refuseRetry(controlled, step),
    description: 'Do a failed step again, and what was cancelled because of it',
  });
}

function requireSteps({ state }: Controlled, ids: readonly string[] = []): void {
  for (const id of ids)
    if (!state.statusOf(id))
      throw refuse(
        `There is no step ${id}. The steps are ${Object.keys(state.states).slice(0, 20).join(', ')}${Object.keys(state.states).length > 20 ? ', …' : ''}.`,
      );
}

function refuseFixed({ state, stepOf }: Controlled, id: string): void {
  const why = whyFixed(state.plan(), id, stepOf(id));
  if (why !== null) throw refuse(why);
}

function refusePause(controlled: Controlled, { steps }: PauseRequest): void {
  const { state, stepOf, running } = controlled;
  requireSteps(controlled, steps);
  if (!steps?.length && state.paused() !== null) throw refuse('The run is paused already.');
  for (const id of steps ?? []) {
    const is = state.states[id];
    if (hasEnded(is)) throw refuse(`Step ${id} has ended: it is ${is}.`);
    if (is === 'paused') throw refuse(`Step ${id} is paused already.`);
    if (running.has(id) && !mayPause(stepOf(id)))
      throw refuse(`Step ${id} is running and is done in one piece: it cannot pause. Cancel the run to stop it.`);
  }
}

async function pause({ state, running }: Controlled, { steps, reason }: PauseRequest): Promise<string[]> {
  const why = reason ?? 'by request';
  if (!steps?.length) {
    state.setPaused(why);
    publishPause(why);
  }
  const concerned = steps?.length ? [...steps] : idsOf(state).filter((id) => running.has(id));
  for (const id of concerned) {
    const inFlight = running.get(id);
    if (!inFlight) state.update(id, { state: 'paused' });
    else inFlight.pauseRequested = true;
  }
  await Promise.all(concerned.map((id) => tell(running.get(id), (handle) => handle.signal(pauseTrainingSignal))));
  return concerned;
}

/** A training that has ended meanwhile need not be told. */
const tell = (inFlight: InFlight | undefined, message: (handle: NonNullable<InFlight['training']>) => Promise<void>) =>
  inFlight?.training ? message(inFlight.training).catch(() => undefined) : Promise.resolve();

/** Where the list of runs shows it. */
function publishPause(reason: string | null): void {
  upsertSearchAttributes([{ key: stateAttribute, value: reason === null ? 'running' : 'paused' }]);
  upsertMemo({ paused: reason });
}

function refuseUnpause(controlled: Controlled, { steps, set }: UnpauseRequest): void {
  const { state, running } = controlled;
  requireSteps(controlled, steps);
  const isPaused = (id: string) => state.states[id] === 'paused' || running.get(id)?.pauseRequested === true;
  if (!steps?.length && state.paused() === null && state.count('paused') === 0)
    throw refuse('Nothing of the run is paused.');
  for (const id of steps ?? []) if (!isPaused(id)) throw refuse(`Step ${id} is not paused: it is ${state.states[id]}.`);
  if (steps?.length && state.paused() !== null)
    throw refuse('The whole run is paused. Let all of it go on, without naming steps.');
  if (set === undefined || Object.keys(set).length === 0) return;
  const [only, ...others] = steps ?? [];
  if (only === undefined || others.length > 0)
    throw refuse('Parameters can be changed for one step at a time: name the step.');
  if (running.has(only))
    throw refuse(`The training ${only} is in the middle of its epochs, and goes on with the parameters that it has.`);
  refuseFixed(controlled, only);
  for (const path of Object.keys(set))
    if (!/^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/.test(path))
      throw refuse(`${JSON.stringify(path)} is not the path of a parameter, such as optimizer.learningRate.`);
}

async function unpause(controlled: Controlled, { steps, set }: UnpauseRequest): Promise<string[]> {
  const { state, running, wake } = controlled;
  const [only] = steps ?? [];
  if (only !== undefined && set && Object.keys(set).length > 0) {
    const changes = { ...state.changes.get(only), ...set };
    await checkChanges(controlled, only, changes);
    state.changes.set(only, changes);
  }
  const concerned = idsOf(state)
    .filter((id) => !steps?.length || steps.includes(id))
    .filter((id) => state.states[id] === 'paused' || running.get(id)?.pauseRequested === true);
  if (!steps?.length && state.paused() !== null) {
    state.setPaused(null);
    publishPause(null);
  }
  for (const id of concerned) {
    const inFlight = running.get(id);
    if (inFlight) inFlight.pauseRequested = false;
    else state.update(id, { state: 'waiting', error: null, endedAt: null });
  }
  wake();
  await Promise.all(concerned.map((id) => tell(running.get(id), (handle) => handle.signal(unpauseTrainingSignal, {}))));
  return concerned;
}

/** References stay as they are written: they are filled in, and all is checked again, when the step starts. */
async function checkChanges({ stepOf, state }: Controlled, id: string, changes: Changes): Promise<void> {
  const step = stepOf(id);
  if (!step) return;
  const parameters = Object.entries(changes).reduce(
    (so, [path, value]) => withValueAt(so, path, value),
    state.resolved.get(id) ?? step.with,
  );
  try {
    await lookups(`${id}: are the changed parameters valid?`).checkParameters({
      step: id,
      uses: step.uses,
      parameters,
      ...(step.own ? { own: step.own } : {}),
    });
  } catch (error) {
    throw refuse(describeFailure(error).message);
  }
}

function refuseSet(controlled: Controlled, { step: id, path, value }: SetRequest): void {
  const { state, running, stepOf } = controlled;
  requireSteps(controlled, [id]);
  refuseFixed(controlled, id);
  const step = stepOf(id);
  if (!/^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/.test(path))
    throw refuse(`${JSON.stringify(path)} is not the path of a parameter, such as epochs or stop.patience.`);
  if (hasEnded(state.states[id]))
    throw refuse(`Step ${id} has ended: it is ${state.states[id]}. \`contrail resume --set\` goes on with it.`);
  if (!step || !running.has(id)) return;
  if (!isTraining(step)) throw refuse(`Step ${id} is running and is done in one piece: nothing of it can change now.`);
  const parameters = state.resolved.get(id) ?? step.with;
  const { rule, reason } = changeRule(path, parameters);
  if (rule === 'next')
    throw refuse(
      `${path} cannot change while the training runs: ${reason}. \`contrail fork\` begins a run with another value from a checkpoint.`,
    );
  if (rule === 'never') throw refuse(`${path} cannot change under a training that has begun: ${reason}.`);
  const changed = withValueAt(parameters, path, value);
  const checked = stepKinds[step.uses].parameters.safeParse(changed);
  if (checked.success) return;
  const problems = describeIssues(checked.error.issues, changed, () => []);
  throw refuse(`${path} is not valid: ${problems.map(({ message }) => message).join('; ')}.`);
}

async function set(
  controlled: Controlled,
  answers: Map<string, string | null>,
  { step: id, path, value }: SetRequest,
): Promise<string> {
  const { state, running, stepOf } = controlled;
  const inFlight = running.get(id);
  if (!inFlight) {
    const changes = { ...state.changes.get(id), [path]: value };
    const isKnown = state.resolved.has(id) || findReferences(stepOf(id)?.with ?? {}).length === 0;
    if (isKnown) await checkChanges(controlled, id, changes);
    if (running.has(id)) throw refuse(`Step ${id} has begun meanwhile. Try again.`);
    state.changes.set(id, changes);
    return id;
  }
  await condition(() => inFlight.training !== null || !running.has(id));
  const change = uuid4();
  const sent = inFlight.training?.signal(setTrainingSignal, { id: change, path, value }).then(
    () => true,
    () => false,
  );
  if ((await sent) === true) await condition(() => answers.has(change) || running.get(id) !== inFlight);
  const refused = answers.get(change);
  answers.delete(change);
  if (refused === undefined) throw refuse(`The training ${id} ended meanwhile.`);
  if (refused !== null) throw refuse(refused);
  const resolved = state.resolved.get(id);
  if (resolved) state.resolved.set(id, withValueAt(resolved, path, value));
  if (path === 'epochs') state.update(id, { epochs: Number(value) });
  return id;
}

function refuseApprove(controlled: Controlled, request: ApproveRequest): void {
  const parsed = approveRequestSchema.safeParse(request);
  if (!parsed.success) throw refuse(`The answer is not valid: ${z.prettifyError(parsed.error)}`);
  const { state, running, stepOf } = controlled;
  const { step: id } = parsed.data;
  requireSteps(controlled, [id]);
  if (stepOf(id)?.uses !== 'approve')
    throw refuse(`Step ${id} does not wait for a person; only steps that use approve do.`);
  const is = state.states[id];
  if (hasEnded(is)) throw refuse(`Step ${id} has ended: it is ${is}.`);
  if (running.get(id)?.approval?.answer.is === 'decided' || state.decisions.has(id))
    throw refuse(`Step ${id} has been answered already.`);
  if (!state.statusOf(id)?.asks) throw refuse(`Step ${id} does not ask yet: it is ${is}. Try again in a moment.`);
}

/** A question that a person can see can be answered, also while the history begins anew. */
function approve({ running, state }: Controlled, request: ApproveRequest): string {
  const approval = running.get(request.step)?.approval;
  const decision = decisionOf(request);
  if (approval?.answer.is === 'open') approval.answer = { is: 'decided', decision };
  else state.decisions.set(request.step, decision);
  return request.step;
}

function refuseRetry(controlled: Controlled, id: string): void {
  const { state, stepOf } = controlled;
  requireSteps(controlled, [id]);
  const plan = state.plan();
  const is = state.states[id];
  if ((stepOf(id)?.role ?? 'step') !== 'step')
    throw refuse(`${id} is a step of onFailure or finally; these are done again with the run.`);
  if (is !== 'failed' && is !== 'paused')
    throw refuse(`Step ${id} is ${is}. While a run goes on, only a step that failed or is paused can be done again.`);
  const goesOn = toleratedSteps(plan, (each) => state.states[each]).includes(id)
    ? [...following(plan, [id])].find((each) => state.states[each] === 'running' || state.states[each] === 'done')
    : undefined;
  if (goesOn !== undefined)
    throw refuse(
      `${goesOn} has gone on without step ${id}, which is tolerated. Wait for the end of the run, and retry then.`,
    );
  if (plan.steps.some((each) => (each.role ?? 'step') !== 'step' && state.states[each.id] !== 'waiting'))
    throw refuse('The run is ending: its onFailure or finally steps have begun. Wait for its end, and retry then.');
}

async function retry({ state, running, wake }: Controlled, id: string): Promise<string[]> {
  const inFlight = running.get(id);
  if (inFlight) {
    inFlight.pauseRequested = false;
    await tell(inFlight, (handle) => handle.signal(unpauseTrainingSignal, {}));
    return [id];
  }
  const givenUp = givenUpWith(state.plan(), id, state.states);
  const again = [...following(state.plan(), [id])].filter((each) => each === id || hasEnded(state.states[each]));
  for (const each of again)
    if (state.states[each] !== 'done') state.update(each, { state: 'waiting', error: null, endedAt: null });
  const revived = [...givenUp].filter((each) => !again.includes(each));
  for (const each of revived) state.update(each, { state: 'waiting', error: null, endedAt: null });
  wake();
  return [...again, ...revived];
}
