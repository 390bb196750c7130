import { isMapping, type Json } from '../../../contracts/json.ts';
import type { Plan } from '../../../contracts/plan.ts';
import type { StepStates } from './readiness.ts';

/**
 * Where a run stands that is to do nothing on unchanged data: `closed` until every data set is there, then `unchanged` if
 * each is the one known before, else `open`. A data set that could not be prepared opens it, so that the failure shows.
 *
 * @param known the digest of each data set of the earlier run, by the step that prepared it
 */
export function dataGate(
  plan: Plan,
  states: StepStates,
  results: Readonly<Record<string, { readonly [key: string]: Json }>>,
  known: Readonly<Record<string, string>>,
): 'closed' | 'open' | 'unchanged' {
  const preparing = plan.steps.filter(({ uses }) => uses === 'prepare-data').map(({ id }) => id);
  if (preparing.length === 0) return 'open';
  if (preparing.some((id) => states[id] === 'waiting' || states[id] === 'running' || states[id] === 'paused'))
    return 'closed';
  return preparing.every((id) => known[id] !== undefined && digestOfDataset(results[id]) === known[id])
    ? 'unchanged'
    : 'open';
}

/** The steps that may start while the gate is closed: those that prepare data, and what they need. */
export function stepsBeforeGate(plan: Plan): ReadonlySet<string> {
  const before = new Set<string>();
  for (const { id, uses, needs } of plan.steps.toReversed())
    if (uses === 'prepare-data' || before.has(id)) for (const each of [id, ...needs]) before.add(each);
  return before;
}

function digestOfDataset(result: { readonly [key: string]: Json } | undefined): Json | undefined {
  const dataset = result?.dataset;
  return isMapping(dataset) ? dataset.digest : undefined;
}
