import type { Json } from '../contracts/json.ts';
import type { Plan } from '../contracts/plan.ts';
import { expandLists, openList } from '../pipelines/language/interpret/expand-lists.ts';
import { loadStepResult, type Store, unlessDamaged } from '../store/index.ts';
import { say } from './output.ts';

/** The plan of a run as the run has it by now: with one step for each item of the lists that its steps have given. */
export async function planByNow(store: Store, run: string, plan: Plan): Promise<Plan> {
  const sources = new Set(plan.steps.flatMap(({ id }) => openList(plan, id)?.step ?? []));
  const results = await Promise.all(
    [...sources].map(async (step): Promise<[string, Json | undefined]> => {
      const stored = await unlessDamaged(loadStepResult(store, { run, step }), say);
      return [step, stored?.result];
    }),
  );
  return expandLists(plan, Object.fromEntries(results)).plan;
}
