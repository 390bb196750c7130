import type { Json } from '../../../contracts/json.ts';
import type { Plan } from '../../../contracts/plan.ts';
import { type Expansion, expandLists } from './expand-lists.ts';
import { expandSweeps } from './sweep/expand-sweeps.ts';

/**
 * The plan of a run as its results make it: with one step for each item of the lists that are there, and the steps of the trials that its
 * sweeps have begun. Whoever has the plan and the results has the same steps.
 *
 * @param results of the steps that are done
 * @param mayExpand leaves a step that goes over a list as it is, one that waits for a person say
 */
export function expandPlan(
  plan: Plan,
  results: Readonly<Record<string, Json | undefined>>,
  mayExpand?: (id: string) => boolean,
): Expansion {
  const { plan: listed, problems } = expandLists(plan, results, mayExpand);
  return { plan: expandSweeps(listed, results), problems };
}
