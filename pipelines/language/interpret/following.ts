import type { Plan } from '../../../contracts/plan.ts';
import type { StepStates } from './readiness.ts';

/** These steps and all that need them, directly or not, in the order of the plan. */
export function following({ steps }: Plan, ids: readonly string[]): Set<string> {
  const found = new Set(ids);
  // In topological order, so one pass reaches everything downstream.
  for (const { id, needs } of steps) if (needs.some((need) => found.has(need))) found.add(id);
  return found;
}

/**
 * What was given up with a failed step, and is of use again once that step is: what needs it, what those need besides and was stopped
 * for its sake, and what needs these.
 */
export function givenUpWith(plan: Plan, id: string, states: StepStates): Set<string> {
  const wanted = following(plan, [id]);
  for (const step of plan.steps.toReversed())
    if (wanted.has(step.id)) for (const need of step.needs) if (states[need] === 'cancelled') wanted.add(need);
  return new Set([...following(plan, [...wanted])].filter((each) => states[each] === 'cancelled'));
}
