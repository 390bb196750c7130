import { z } from 'zod';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { type Plan, planSchema } from '../contracts/plan.ts';
import { jsonBytes, parseJson } from './digest.ts';
import type { Content, Store } from './store.ts';

/**
 * What the store keeps of a run beside its checkpoints: its plan, the results of its finished steps, its report.
 */

const stepResultSchema = z.strictObject({
  /** Canonical JSON of all that the result follows from: kind, version, parameters, input digests. */
  fingerprint: z.string(),
  result: z.record(z.string(), z.json()),
});
export type StoredStepResult = { readonly fingerprint: string; readonly result: Readonly<Record<string, Json>> };

const planPath = (run: string) => `runs/${run}/plan.json`;
const resultPath = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/result.json`;

export const savePlan = (store: Store, run: string, plan: Plan): Promise<void> =>
  store.write(planPath(run), jsonBytes(plan));

/** The plan that a run was started with; null when the store does not know the run. */
export async function loadPlan(store: Store, run: string): Promise<Plan | null> {
  return (await store.exists(planPath(run))) ? planSchema.parse(parseJson(await store.read(planPath(run)))) : null;
}

/** Records a finished step, so that a resumed run need not do it again. */
export const saveStepResult = (store: Store, key: StepKey, result: StoredStepResult): Promise<void> =>
  store.write(resultPath(key), jsonBytes(result));

/** The recorded result of a step; null when it never finished, or the record is not readable. */
export async function loadStepResult(store: Store, key: StepKey): Promise<StoredStepResult | null> {
  if (!(await store.exists(resultPath(key)))) return null;
  try {
    return stepResultSchema.parse(parseJson(await store.read(resultPath(key)))) as StoredStepResult;
  } catch {
    return null;
  }
}

/** The folder that a person looks into after a run. */
export const reportFolder = (run: string): string => `runs/${run}/report`;

export const writeReportFile = (store: Store, run: string, name: string, content: Content): Promise<void> =>
  store.write(`${reportFolder(run)}/${name}`, content);
