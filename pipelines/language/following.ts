import type { Plan } from '../../contracts/plan.ts';

/** These steps and all that need them, directly or not, in the order of the plan. */
export function following({ steps }: Plan, ids: readonly string[]): Set<string> {
  const found = new Set(ids);
  // In topological order, so one pass reaches everything downstream.
  for (const { id, needs } of steps) if (needs.some((need) => found.has(need))) found.add(id);
  return found;
}
