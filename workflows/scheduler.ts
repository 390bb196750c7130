import { isMapping } from '../contracts/json.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import type { StepState } from '../contracts/status.ts';
import { evaluateWhen, newWhenBudget, type WhenBudget } from '../pipelines/language/expressions/when.ts';
import { dataGate, stepsBeforeGate } from '../pipelines/language/interpret/data-gate.ts';
import { expandPlan } from '../pipelines/language/interpret/expand-plan.ts';
import { neverStarting, pointlessSteps, readySteps } from '../pipelines/language/interpret/readiness.ts';
import { toleranceOf } from '../pipelines/language/interpret/tolerance.ts';
import { type RunFacts, type StepOutcome, whenContext } from '../pipelines/language/interpret/when-context.ts';

/**
 * What a run is to do next: a pure function of the plan and of what became of its steps. It owns nothing and does nothing. The
 * workflow carries out its decisions in their order, writes down what happens, and asks again.
 *
 * S1. A step starts once, when all that it needs is done and its `when` holds; one whose `when` asks for a state, when all
 *     that it needs has ended.
 * S2. A failed step takes down what depends on it, and running steps that nothing can use any more; all else goes on.
 * S3. Steps of `onFailure` come after all others, and only after a failure; those of `finally` come last, also after a cancel.
 * S4. Decisions about steps that have not started need no event: they are all made at once.
 * S5. A step that goes over a list becomes one step an item as soon as the list is there; the plan with these comes first. What
 *     S2 stops, these do not start.
 * S6. Failures that the pipeline tolerates are none for S2 and S3; who needs one by name, and not all of its matrix, follows S2.
 */
export interface Situation {
  readonly run: string;
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Steps whose work has been started and has not ended. */
  readonly inFlight: Iterable<string>;
  readonly isCancelled: boolean;
  /** Nothing new starts: a person paused the run, or its history is about to begin anew. */
  readonly isHeld: boolean;
  /** Do nothing more where every data set is the one that this run had: by step, the digests. */
  readonly unlessData?: { readonly run: string; readonly digests: Readonly<Record<string, string>> } | undefined;
}

/** What became of a step so far. */
export interface Outcome extends StepOutcome {
  readonly error: string | null;
}

export type Decision =
  /** From here on, the plan is this one, and the steps that are new in it are waiting. */
  | { readonly kind: 'expand'; readonly plan: Plan }
  | { readonly kind: 'start'; readonly step: PlannedStep }
  /** Its work is no longer of use. */
  | { readonly kind: 'stop'; readonly id: string }
  | { readonly kind: 'end'; readonly id: string; readonly as: 'cancelled' }
  | { readonly kind: 'end'; readonly id: string; readonly as: 'skipped'; readonly note?: string }
  | { readonly kind: 'end'; readonly id: string; readonly as: 'failed'; readonly why: string };

/** Temporal allows 2,000 activities and children at a time; the status of so many is no longer readable long before. */
const maximumInFlight = 200;

const isMain = ({ role = 'step' }: PlannedStep) => role === 'step';

/** How the steps proper went, for those of `onFailure` and `finally`. */
export function runFacts(plan: Plan, { run, outcomes, isCancelled }: Omit<Situation, 'inFlight' | 'isHeld'>): RunFacts {
  const { isTolerated } = toleranceOf(plan, (id) => outcomes[id]?.state);
  const errors = plan.steps.flatMap((step) => {
    const outcome = outcomes[step.id];
    const counts = isMain(step) && outcome?.state === 'failed' && !isTolerated(step.id);
    return counts ? [`${step.id}: ${outcome.error}`] : [];
  });
  const state = errors.length > 0 ? 'failed' : isCancelled ? 'cancelled' : 'done';
  return { id: run, state, error: errors.length > 0 ? errors.join('\n') : null };
}

/**
 * Decides what to start, to stop and to give up, in the order in which it is to be done.
 *
 * @param budget what the conditions of the run may still cost; what is spent is taken from it
 */
export function decide(given: Plan, situation: Situation, budget: WhenBudget = newWhenBudget()): readonly Decision[] {
  const { isCancelled, isHeld, unlessData } = situation;
  const { plan, problems } = expandPlan(
    given,
    resultsOf(situation.outcomes),
    (id) => situation.outcomes[id]?.state === 'waiting',
  );
  const byId = new Map(plan.steps.map((step) => [step.id, step]));
  const outcomes = plan === given ? { ...situation.outcomes } : outcomesIn(plan, situation.outcomes);
  const states = Object.fromEntries(Object.entries(outcomes).map(([id, { state }]) => [id, state]));
  const inFlight = new Set(situation.inFlight);
  const isItem = (step: PlannedStep | undefined) => plan.matrices?.[step?.matrix?.of ?? '']?.list !== undefined;
  const hasItems = plan.steps.some(isItem);
  const stopped = new Set<string>();
  const decisions: Decision[] = [];

  const note = (id: string, state: StepState, error: string | null = null) => {
    outcomes[id] = { result: outcomes[id]?.result ?? null, state, error };
    states[id] = state;
  };
  const end = (decision: Extract<Decision, { readonly kind: 'end' }>) => {
    note(decision.id, decision.as, decision.as === 'failed' ? decision.why : null);
    decisions.push(decision);
  };
  const facts = () => runFacts(plan, { ...situation, outcomes });
  const gate = () => (unlessData ? dataGate(plan, states, resultsOf(outcomes), unlessData.digests) : 'open');
  const beforeGate = unlessData ? stepsBeforeGate(plan) : null;

  /** Gives up what can no longer start, or is no longer of use. */
  const giveUp = () => {
    if (isCancelled) {
      // What is there for a failure is skipped below, where there was none.
      const failed = facts().state === 'failed';
      for (const step of plan.steps) {
        const state = states[step.id];
        if ((isMain(step) || (step.role === 'onFailure' && failed)) && !inFlight.has(step.id))
          if (state === 'waiting' || state === 'paused') end({ kind: 'end', id: step.id, as: 'cancelled' });
      }
    }
    const all = Object.values(states);
    const isLost = all.includes('failed') || all.includes('cancelled');
    if (isLost || all.includes('skipped') || inFlight.size === 0)
      for (const [id, as] of neverStarting(plan, states)) end({ kind: 'end', id, as });
    if (!isLost) return;
    for (const id of pointlessSteps(plan, states))
      if (inFlight.has(id) && !stopped.has(id)) {
        stopped.add(id);
        decisions.push({ kind: 'stop', id });
      }
    // A list may have a thousand items: they need not start only to be stopped.
    if (hasItems)
      for (const id of pointlessSteps(plan, states, true))
        if (states[id] === 'waiting' && isItem(byId.get(id))) end({ kind: 'end', id, as: 'cancelled' });
  };

  const skipUnchanged = () => {
    if (gate() !== 'unchanged') return;
    for (const step of plan.steps)
      if (isMain(step) && states[step.id] === 'waiting')
        end({ kind: 'end', id: step.id, as: 'skipped', note: `the data is that of ${unlessData?.run}` });
  };

  /** Starts a step, or ends it as its `when` says. */
  const take = (step: PlannedStep): 'started' | 'ended' => {
    if (step.when !== undefined) {
      const outcome = evaluateWhen(
        step.when,
        whenContext(plan, step, outcomes, isMain(step) ? undefined : facts()),
        budget,
      );
      if (!outcome.ok) end({ kind: 'end', id: step.id, as: 'failed', why: outcome.message });
      else if (!outcome.value) end({ kind: 'end', id: step.id, as: 'skipped' });
      if (!outcome.ok || !outcome.value) return 'ended';
    }
    note(step.id, 'running');
    inFlight.add(step.id);
    decisions.push({ kind: 'start', step });
    return 'started';
  };

  if (plan !== given) decisions.push({ kind: 'expand', plan });
  for (const [id, why] of problems) end({ kind: 'end', id, as: 'failed', why });
  for (let changed = true; changed; ) {
    changed = false;
    giveUp();
    if (isHeld) break;
    skipUnchanged();
    for (const id of readySteps(plan, states)) {
      const step = byId.get(id);
      if (!step || inFlight.size >= maximumInFlight) break;
      if (gate() === 'closed' && beforeGate?.has(id) === false) continue;
      // What was skipped may let others start, or end them.
      if (take(step) === 'ended') changed = true;
    }
  }
  return decisions;
}

/** Those of the steps of a plan; new ones are waiting. */
const outcomesIn = (plan: Plan, outcomes: Situation['outcomes']): Record<string, Outcome> =>
  Object.fromEntries(plan.steps.map(({ id }) => [id, outcomes[id] ?? { state: 'waiting', result: null, error: null }]));

const resultsOf = (outcomes: Readonly<Record<string, Outcome>>) =>
  Object.fromEntries(
    Object.entries(outcomes).flatMap(([id, { state, result }]) =>
      state === 'done' && isMapping(result) ? [[id, result]] : [],
    ),
  );
