import { canonicalJson, type Json } from '../contracts/json.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import type { RecordedChange } from '../contracts/run.ts';
import { kindOf } from '../contracts/step-kinds.ts';
import { valueAt, withValueAt } from '../contracts/training-changes.ts';
import { findReferences } from '../pipelines/language/expressions/references.ts';
import { loadPlan, recordChange, type Store, savePlan } from '../store/index.ts';

type Values = { readonly [key: string]: Json };

/**
 * A plan with what was changed while its run went on. Where the plan says something else by now than it did then, as it does
 * when a resume gives other params, the plan holds.
 */
export const withRecordedChanges = (plan: Plan, changes: readonly RecordedChange[]): Plan => ({
  ...plan,
  steps: plan.steps.map((step) => changes.reduce(changed, step)),
});

function changed(step: PlannedStep, { step: id, path, from, to }: RecordedChange): PlannedStep {
  if (step.id !== id || canonicalJson(valueAt(step.with as Values, path)) !== canonicalJson(from)) return step;
  const parameters = withValueAt(step.with as Values, path, to);
  // What holds references is validated when these are filled in.
  if (findReferences(parameters).length > 0) return { ...step, with: parameters };
  return { ...step, with: kindOf(step).parameters.parse(parameters) as PlannedStep['with'] };
}

/** Keeps changes of a step that had not begun with the run, so that it has them also after a resume. */
export async function keepChanges(store: Store, run: string, id: string, values: Values): Promise<void> {
  const plan = await loadPlan(store, run);
  const step = plan?.steps.find((each) => each.id === id);
  if (!plan || !step) return;
  const changes = Object.entries(values).map(
    ([path, to]): RecordedChange => ({ step: id, path, from: valueAt(step.with as Values, path), to }),
  );
  for (const change of changes) await recordChange(store, run, change);
  await savePlan(store, run, withRecordedChanges(plan, changes));
}
