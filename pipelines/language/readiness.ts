import type { Plan } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';

/** The state of each step, by id. */
export type StepStates = Readonly<Record<string, StepState>>;

/** Waiting steps whose every need is done: they can start now. */
export const readySteps = (plan: Plan, states: StepStates): string[] =>
  plan.steps
    .filter(({ id, needs }) => states[id] === 'waiting' && needs.every((need) => states[need] === 'done'))
    .map(({ id }) => id);

/** Waiting steps that can never start, because something they need failed, was cancelled, or can never start itself. */
export function doomedSteps(plan: Plan, states: StepStates): string[] {
  const lost = new Set(
    plan.steps.filter(({ id }) => states[id] === 'failed' || states[id] === 'cancelled').map(({ id }) => id),
  );
  const doomed: string[] = [];
  // In topological order, so one pass reaches everything downstream.
  for (const { id, needs } of plan.steps)
    if (states[id] === 'waiting' && needs.some((need) => lost.has(need))) {
      lost.add(id);
      doomed.push(id);
    }
  return doomed;
}

/**
 * Running steps whose result nobody can use any more: other steps need it, and none of those can run. A step that nothing
 * needs is there for its own sake and never pointless.
 */
export function pointlessSteps(plan: Plan, states: StepStates): string[] {
  const lost = new Set([
    ...doomedSteps(plan, states),
    ...plan.steps.filter(({ id }) => states[id] === 'failed' || states[id] === 'cancelled').map(({ id }) => id),
  ]);
  return plan.steps
    .filter(({ id }) => {
      const consumers = plan.steps.filter(({ needs }) => needs.includes(id));
      return states[id] === 'running' && consumers.length > 0 && consumers.every((consumer) => lost.has(consumer.id));
    })
    .map(({ id }) => id);
}
