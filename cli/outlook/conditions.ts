import type { Json } from '../../contracts/json.ts';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import { evaluateWhen, mentionsState, newWhenBudget, readWhen } from '../../pipelines/language/expressions/when.ts';
import { type StepOutcome, whenContext } from '../../pipelines/language/interpret/when-context.ts';

/** Whether a step will come to its turn, as far as that is known before the run: `perhaps` where the run itself decides. */
export type Turn = 'comes' | 'perhaps' | 'skip' | 'fails';

/** What is known of the steps before a step. */
export interface KnownSteps {
  readonly plan: Plan;
  readonly turns: ReadonlyMap<string, Turn>;
  /** Results that are there already. */
  readonly results: ReadonlyMap<string, { readonly [key: string]: Json }>;
}

/** Whether a step comes to its turn, and why it may not; the reason is empty where it comes. */
export function turnOf(step: PlannedStep, known: KnownSteps): { readonly turn: Turn; readonly reason: string } {
  const { when, needs, role } = step;
  if (role === 'onFailure') return { turn: 'perhaps', reason: 'only when a step failed' };
  const decidesItself = when !== undefined && mentionsState(when);
  const needed = needs.flatMap((need) => known.plan.matrices?.[need]?.members ?? [need]);
  if (!decidesItself) {
    const skipped = needed.find((need) => known.turns.get(need) === 'skip');
    if (skipped !== undefined) return { turn: 'skip', reason: `${skipped} is skipped` };
  }
  const unsure = decidesItself ? [] : needed.filter((need) => known.turns.get(need) === 'perhaps');
  const depends = unsure.length === 0 ? [] : [`depends on ${firstOf(unsure)}`];
  const asked = when === undefined ? null : saidBy(step, when, known);
  if (asked?.known === true) {
    if ('problem' in asked) return { turn: 'fails', reason: asked.problem };
    if (!asked.value) return { turn: 'skip', reason: `not so: ${when}` };
  } else if (when !== undefined) depends.push(`if ${when}`);
  return depends.length > 0 ? { turn: 'perhaps', reason: depends.join('; ') } : { turn: 'comes', reason: '' };
}

/** The first steps of those that are waited for. */
export const firstOf = (steps: readonly string[]): string =>
  `${steps.slice(0, 3).join(', ')}${steps.length > 3 ? ', …' : ''}`;

type Value =
  | { readonly known: false }
  | { readonly known: true; readonly value: boolean }
  | { readonly known: true; readonly problem: string };

/** What a condition says, if all that it asks for is known before the run. */
function saidBy(step: PlannedStep, when: string, { plan, turns, results }: KnownSteps): Value {
  const outcomes: Record<string, StepOutcome> = {};
  for (const { root, parts } of readWhen(when).mentions) {
    if (root === 'run') return { known: false };
    const [id] = parts;
    if (root !== 'steps') continue;
    // All of them, as far as nobody knows which.
    if (id === undefined) return { known: false };
    for (const each of plan.matrices?.[id.name]?.members ?? [id.name]) {
      const result = results.get(each);
      if (turns.get(each) === 'skip') outcomes[each] = { state: 'skipped', result: null };
      else if (result !== undefined && turns.get(each) === 'comes') outcomes[each] = { state: 'done', result };
      else return { known: false };
    }
  }
  const found = evaluateWhen(when, whenContext(plan, step, outcomes), newWhenBudget());
  return found.ok ? { known: true, value: found.value } : { known: true, problem: found.message };
}
