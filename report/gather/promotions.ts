import { promoteResult } from '../../contracts/kinds/promote.ts';
import type { PlannedStep } from '../../contracts/plan.ts';
import type { PromotionReport } from '../../contracts/report.ts';

/** What a promote step did; nothing of a step of another kind, or that is not done. */
export function promotionOf({ id, uses, with: given }: PlannedStep, result: unknown): PromotionReport[] {
  if (uses !== 'promote') return [];
  const done = promoteResult.safeParse(result);
  if (!done.success) return [];
  // A name that another step gives stands in the plan as a reference.
  return [{ step: id, model: String(given.model), metric: String(given.metric ?? 'top1'), result: done.data }];
}
