import { ContrailError } from '../contracts/errors.ts';
import type { Plan } from '../contracts/plan.ts';
import { loadPlan, type Store } from '../store/index.ts';
import { checkRunId } from './given-names.ts';

/** The plan of a run that was named on the command line. @throws ContrailError RunNotFound */
export async function requireKnownPlan(store: Store, run: string): Promise<Plan> {
  const plan = await loadPlan(store, checkRunId(run));
  if (plan) return plan;
  throw new ContrailError(
    'RunNotFound',
    `The store knows no run ${run}. \`contrail list\` shows the runs; CONTRAIL_HOME says which store is looked into.`,
  );
}
