import { setCurrentDetails } from '@temporalio/workflow';
import type { ApprovalDecision } from '../contracts/approval.ts';
import type { Json } from '../contracts/json.ts';
import { jsonSize } from '../contracts/json-size.ts';
import { limits } from '../contracts/limits.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import type { PipelineStatus, StepState, StepStatus } from '../contracts/status.ts';
import { isTrainingKind } from '../contracts/training-kinds.ts';
import { expandPlan } from '../pipelines/language/interpret/expand-plan.ts';
import { following } from '../pipelines/language/interpret/following.ts';
import { shownItem } from '../pipelines/language/interpret/item-ids.ts';
import { hasEnded } from '../pipelines/language/interpret/readiness.ts';
import { toleratedSteps } from '../pipelines/language/interpret/tolerance.ts';
import { isShort, runDetails } from './details.ts';
import type { StepTroubleReport } from './messages.ts';
import type { Outcome } from './scheduler.ts';

export type Result = { readonly [key: string]: Json };
export type Changes = { readonly [path: string]: Json };

/** What a run carries over when its history begins anew. Plain JSON; what follows from the plan is left out. */
export interface CarriedState {
  readonly steps: { readonly [id: string]: Omit<StepStatus, 'id' | 'uses' | 'needs'> };
  readonly paused: string | null;
  readonly changes: { readonly [id: string]: Changes };
  readonly redo: readonly string[];
  /** Absent where there are none. */
  readonly decisions?: { readonly [id: string]: ApprovalDecision };
}

/**
 * What became of each step so far.
 *
 * Owns the plan as it is by now, statuses, results, and the picture that the Temporal UI shows. Decides nothing. An update costs
 * the same whatever the length of the plan.
 */
export interface RunState {
  readonly plan: () => Plan;
  /** Takes a plan in which steps that go over a list are one for each item; these are waiting. */
  readonly expand: (plan: Plan) => void;
  readonly states: Readonly<Record<string, StepState>>;
  readonly results: Readonly<Record<string, Result>>;
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly statusOf: (id: string) => StepStatus | undefined;
  readonly update: (id: string, change: Partial<StepStatus>) => void;
  /** What a running step's work failed with last; null once it goes on. Only shown: people ask Temporal for the newest. */
  readonly setTrouble: (id: string, failed: StepTroubleReport['failed']) => void;
  /** Why nothing new starts; null while the run goes on. */
  readonly paused: () => string | null;
  readonly setPaused: (reason: string | null) => void;
  /** Parameters of a step that a person changed. */
  readonly changes: Map<string, Changes>;
  /** Parameters of steps that were started, with the results that they refer to. */
  readonly resolved: Map<string, Result>;
  /** Steps whose recorded results do not count. */
  readonly redo: Set<string>;
  /** Answers to questions that are shown and are not open just now, because the history begins anew. Each goes with its question. */
  readonly decisions: Map<string, ApprovalDecision>;
  readonly count: (state: StepState) => number;
  readonly overall: () => PipelineStatus['state'];
  readonly status: () => PipelineStatus;
  readonly failures: () => readonly string[];
  readonly carry: () => CarriedState;
}

export function createRunState(given: Plan, carried?: CarriedState): RunState {
  let plan = carried ? expandedBy(given, carried) : given;
  const steps = new Map<string, StepStatus>();
  const states: Record<string, StepState> = {};
  const results: Record<string, Result> = {};
  const outcomes: Record<string, Outcome> = {};
  const counts: Partial<Record<StepState, number>> = {};
  const notable = new Map<string, StepStatus>();
  const troubles = new Map<string, NonNullable<StepTroubleReport['failed']>>();
  const changes = new Map(Object.entries(carried?.changes ?? {}));
  const redo = new Set(carried?.redo);
  const decisions = new Map(Object.entries(carried?.decisions ?? {}));
  let paused = carried?.paused ?? null;

  const put = (step: StepStatus) => {
    const { id, state, result, error } = step;
    const before = states[id];
    if (before !== undefined) counts[before] = (counts[before] ?? 1) - 1;
    counts[state] = (counts[state] ?? 0) + 1;
    steps.set(id, step);
    states[id] = state;
    outcomes[id] = { state, result, error: error?.message ?? null };
    if (state === 'done' && result) results[id] = result;
    else delete results[id];
    if (state === 'running' || state === 'paused' || state === 'failed') notable.set(id, step);
    else notable.delete(id);
    if (state !== 'running') troubles.delete(id);
  };
  const remove = (id: string) => {
    const state = states[id];
    if (state !== undefined) counts[state] = (counts[state] ?? 1) - 1;
    for (const known of [states, outcomes, results]) delete known[id];
    steps.delete(id);
    notable.delete(id);
  };
  const expand = (next: Plan) => {
    plan = next;
    const before = new Map(steps);
    const ids = new Set(plan.steps.map(({ id }) => id));
    for (const id of before.keys()) if (!ids.has(id)) remove(id);
    // People see steps in the order of the plan.
    steps.clear();
    for (const step of plan.steps) {
      const known = before.get(step.id);
      if (known) steps.set(step.id, { ...known, needs: step.needs });
      else put(waiting(step));
    }
    // What is to be done again is each of the items, and what follows it.
    const { matrices = {} } = plan;
    const again = [...redo].flatMap((id) => matrices[id]?.members ?? [id]);
    redo.clear();
    for (const id of following(plan, again)) if (!hasEnded(states[id])) redo.add(id);
    show();
  };
  const tolerated = () => new Set(toleratedSteps(plan, (id) => states[id]));
  /** How many ended in a state that is a loss, and one that the pipeline does not tolerate. */
  const lost = (state: StepState) =>
    (counts[state] ?? 0) - [...tolerated()].filter((id) => states[id] === state).length;
  const show = () =>
    setCurrentDetails(
      runDetails({
        steps: steps.size,
        counts,
        paused,
        troubles,
        tolerated: [...tolerated()],
        shown: isShort(steps.size) ? steps.values() : notable.values(),
      }),
    );

  for (const step of plan.steps) put({ ...waiting(step), ...carried?.steps[step.id] });
  show();
  return {
    plan: () => plan,
    expand,
    states,
    results,
    outcomes,
    changes,
    resolved: new Map(),
    redo,
    decisions,
    statusOf: (id) => steps.get(id),
    update: (id, change) => {
      const step = steps.get(id);
      if (step) put({ ...step, ...change });
      if (change.asks === null) decisions.delete(id);
      show();
    },
    setTrouble: (id, failed) => {
      if (failed === null || states[id] !== 'running') troubles.delete(id);
      else troubles.set(id, failed);
      show();
    },
    paused: () => paused,
    setPaused: (reason) => {
      paused = reason;
      show();
    },
    count: (state) => counts[state] ?? 0,
    overall: () => overallState(counts, paused, lost),
    status: () => {
      const passed = tolerated();
      return fitting({
        pipeline: plan.name,
        state: overallState(counts, paused, lost),
        steps: [...steps.values()].map((step) => (passed.has(step.id) ? { ...step, tolerated: true } : step)),
      });
    },
    failures: () => {
      const passed = tolerated();
      return [...steps.values()]
        .filter(({ id, state }) => state === 'failed' && !passed.has(id))
        .map(({ id, error }) => `${id}: ${error?.message}`);
    },
    carry: () => ({
      steps: Object.fromEntries(
        [...steps.values()]
          .filter(({ state, attempts, asks }) => state !== 'waiting' || attempts > 0 || asks)
          .map(({ id, uses: _, needs: __, ...rest }) => [id, rest]),
      ),
      paused,
      changes: Object.fromEntries(changes),
      redo: [...redo].filter((id) => !hasEnded(states[id])),
      ...(decisions.size > 0 ? { decisions: Object.fromEntries(decisions) } : {}),
    }),
  };
}

/** What Temporal can answer with: where the results are too much together, they are left out, and the store has them. */
function fitting(status: PipelineStatus): PipelineStatus {
  if (jsonSize(status as unknown as Json, limits.stateBytes) <= limits.stateBytes) return status;
  return {
    ...status,
    steps: status.steps.map((step) =>
      step.result === null
        ? step
        : { ...step, result: null, note: 'the results of this run are too large to be shown together' },
    ),
  };
}

const waiting = (step: PlannedStep): StepStatus => {
  const { id, uses, needs, with: parameters } = step;
  const item = shownItem(step);
  return {
    id,
    uses,
    needs,
    ...(item === undefined ? {} : { item }),
    state: 'waiting',
    attempts: 0,
    reused: false,
    startedAt: null,
    endedAt: null,
    epoch: null,
    epochs:
      typeof parameters.epochs === 'number' && isTrainingKind(uses) ? (step.rung?.until ?? parameters.epochs) : null,
    metrics: null,
    result: null,
    error: null,
  };
};

/** @param lost how many steps ended so, those left out whose loss is tolerated */
function overallState(
  counts: Readonly<Partial<Record<StepState, number>>>,
  paused: string | null,
  lost: (state: 'failed' | 'cancelled') => number,
): PipelineStatus['state'] {
  if (counts.running) return 'running';
  if (counts.paused || (paused !== null && counts.waiting)) return 'paused';
  if (counts.waiting) return 'running';
  return lost('failed') > 0 ? 'failed' : lost('cancelled') > 0 ? 'cancelled' : 'done';
}

/** The plan as it was when the history began anew: what a list gave is in the results. */
const expandedBy = (plan: Plan, { steps }: CarriedState): Plan =>
  expandPlan(
    plan,
    Object.fromEntries(
      Object.entries(steps).map(([id, { state, result }]) => [
        id,
        state === 'done' ? (result ?? undefined) : undefined,
      ]),
    ),
    (id) => steps[id] === undefined || steps[id].state === 'waiting',
  ).plan;
