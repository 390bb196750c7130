import type { Plan } from '../contracts/plan.ts';
import { loadPlan, type Store } from '../store/index.ts';
import { checkRunId } from './given-names.ts';
import { unknownRun } from './unknown-run.ts';

/** The plan of a run that was named on the command line. @throws ContrailError RunNotFound */
export async function requireKnownPlan(store: Store, run: string): Promise<Plan> {
  const plan = await loadPlan(store, checkRunId(run));
  if (plan) return plan;
  throw await unknownRun(store, run);
}
