import type { ListSource, Plan, PlannedStep } from '../../../contracts/plan.ts';
import type { StepState } from '../../../contracts/status.ts';
import { mentionsState } from '../expressions/when.ts';
import { openList } from './expand-lists.ts';
import { isLost, toleranceOf } from './tolerance.ts';

/** The state of each step, by id. */
export type StepStates = Readonly<Record<string, StepState>>;

export const hasEnded = (state: StepState | undefined): boolean =>
  state === 'done' || state === 'failed' || state === 'cancelled' || state === 'skipped';

const roleOf = ({ role }: PlannedStep) => role ?? 'step';

/** Its `when` asks for states, so it waits for what it needs to end in whatever way, and `when` alone decides. */
const decidesItself = ({ when }: PlannedStep) => when !== undefined && mentionsState(when);

/**
 * Waiting steps that can start now: what they need is done, or tolerated to be lost, and of a matrix no more run than
 * `maxParallel` says. Those of `onFailure` start when all others have ended and one of them failed; those of `finally` after
 * these. A step that stands for the items of a list never starts: those that take its place do.
 *
 * A step with a `when` is ready when that can be evaluated; where it is false the step is to be skipped instead, and the
 * states looked at anew.
 */
export function readySteps(plan: Plan, states: StepStates): string[] {
  const main = plan.steps.filter((step) => roleOf(step) === 'step');
  const mainEnded = main.every(({ id }) => hasEnded(states[id]));
  const { isTolerated, canDoWithout } = toleranceOf(plan, (id) => states[id]);
  const isOpen = {
    step: true,
    onFailure: mainEnded && main.some(({ id }) => states[id] === 'failed' && !isTolerated(id)),
    finally: plan.steps.every((step) => roleOf(step) === 'finally' || hasEnded(states[step.id])),
  };
  const places = freePlaces(plan, states);
  return plan.steps
    .filter((step) => {
      if (states[step.id] !== 'waiting' || !isOpen[roleOf(step)] || openList(plan, step.id)) return false;
      const enough = decidesItself(step)
        ? step.needs.every((need) => hasEnded(states[need]))
        : step.needs.every((need) => states[need] === 'done' || canDoWithout(step, need));
      if (!enough) return false;
      const free = places.get(step.matrix?.of ?? '');
      if (free === undefined || !step.matrix) return true;
      places.set(step.matrix.of, free - 1);
      return free > 0;
    })
    .map(({ id }) => id);
}

/** How many more may run of each matrix that has a limit. */
function freePlaces({ matrices }: Plan, states: StepStates): Map<string, number> {
  const limited = Object.entries(matrices ?? {}).flatMap(([id, { members, maxParallel }]) =>
    maxParallel === undefined ? [] : [{ id, members, maxParallel }],
  );
  return new Map(
    limited.map(({ id, members, maxParallel }) => [
      id,
      maxParallel - members.filter((member) => states[member] === 'running').length,
    ]),
  );
}

/**
 * What becomes of waiting steps that can never start. Something they need failed, was cancelled or can never start itself: they
 * are cancelled. Something they need was skipped, or they are there for a failure and all ended without one: they are
 * skipped. Where a need failed and another was skipped, the failure decides.
 */
export function neverStarting(plan: Plan, states: StepStates): ReadonlyMap<string, 'cancelled' | 'skipped'> {
  const found = new Map<string, 'cancelled' | 'skipped'>();
  const stateOf = (id: string) => found.get(id) ?? states[id];
  const main = plan.steps.filter((step) => roleOf(step) === 'step');
  const others = plan.steps.filter((step) => roleOf(step) !== 'step');
  const { canDoWithout } = toleranceOf(plan, stateOf);
  let noFailure = false;
  // In topological order, so one pass reaches everything downstream; steps proper need none of the others.
  const follow = (steps: readonly PlannedStep[]) => {
    for (const step of steps) {
      if (states[step.id] !== 'waiting') continue;
      if (roleOf(step) === 'onFailure' && noFailure) {
        found.set(step.id, 'skipped');
        continue;
      }
      const list = openList(plan, step.id);
      if (decidesItself(step) && !list) continue;
      const needs =
        list && decidesItself(step) ? step.needs.filter((need) => makesItems(plan, list, need)) : step.needs;
      if (needs.some((need) => isLost(stateOf(need)) && !canDoWithout(step, need))) found.set(step.id, 'cancelled');
      else if (needs.some((need) => stateOf(need) === 'skipped')) found.set(step.id, 'skipped');
    }
  };
  follow(main);
  const { isTolerated } = toleranceOf(plan, stateOf);
  noFailure =
    main.every(({ id }) => hasEnded(stateOf(id))) &&
    !main.some(({ id }) => states[id] === 'failed' && !isTolerated(id));
  follow(others);
  return found;
}

/** The items of a step decide by themselves; but without what they are made from there are none. */
const makesItems = (plan: Plan, list: ListSource, need: string): boolean =>
  need === list.step || openList(plan, need)?.root === list.root;

/**
 * Running steps whose result nobody can use any more: other steps need it, and none of those can run. A step that nothing
 * needs is there for its own sake and never pointless. Nothing is pointless only because others were skipped.
 *
 * @param waitingToo also gives steps that have not started and would be pointless; what they need is then pointless too
 */
export function pointlessSteps(plan: Plan, states: StepStates, waitingToo = false): string[] {
  const consumers = new Map<string, string[]>();
  for (const { id, needs } of plan.steps)
    for (const need of needs) {
      const using = consumers.get(need);
      if (using) using.push(id);
      else consumers.set(need, [id]);
    }
  const never = neverStarting(plan, states);
  const stateOf = (id: string) => never.get(id) ?? states[id];
  const isGone = (id: string) => isLost(stateOf(id));
  const pointless = new Set<string>();
  // From the end, so that what only a pointless step needs is seen to be pointless too.
  for (const { id } of plan.steps.toReversed()) {
    const own = stateOf(id);
    if (own !== 'running' && !(waitingToo && own === 'waiting')) continue;
    const using = consumers.get(id) ?? [];
    if (
      using.some((each) => isGone(each) || pointless.has(each)) &&
      using.every((each) => isGone(each) || pointless.has(each) || stateOf(each) === 'skipped')
    )
      pointless.add(id);
  }
  return plan.steps.map(({ id }) => id).filter((id) => pointless.has(id));
}
