import type { Json } from '../contracts/json.ts';
import type { Plan } from '../contracts/plan.ts';
import { openList } from '../pipelines/language/interpret/expand-lists.ts';
import { expandPlan } from '../pipelines/language/interpret/expand-plan.ts';
import { loadStepResult, loadStepResults, type Store, unlessDamaged } from '../store/index.ts';
import { say } from './output.ts';

/** The plan of a run as the run has it by now: with one step for each item of the lists that its steps have given, and its trials. */
export async function planByNow(store: Store, run: string, plan: Plan): Promise<Plan> {
  if (plan.sweeps) {
    const all = Object.entries(await loadStepResults(store, run, say));
    return expandPlan(plan, Object.fromEntries(all.map(([step, { result }]) => [step, result]))).plan;
  }
  const sources = new Set(plan.steps.flatMap(({ id }) => openList(plan, id)?.step ?? []));
  const results = await Promise.all(
    [...sources].map(async (step): Promise<[string, Json | undefined]> => {
      const stored = await unlessDamaged(loadStepResult(store, { run, step }), say);
      return [step, stored?.result];
    }),
  );
  return expandPlan(plan, Object.fromEntries(results)).plan;
}
