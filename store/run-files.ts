import { z } from 'zod';
import { type EpochMetrics, epochMetricsSchema } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import { plannedStepIdSchema, type StepKey } from '../contracts/identifiers.ts';
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
  /** How long the attempt that made it took; for a training, all its epochs. */
  seconds: z.number().nonnegative().optional(),
  finishedAt: z.iso.datetime().optional(),
});
export type StoredStepResult = {
  readonly fingerprint: string;
  readonly result: Readonly<Record<string, Json>>;
  readonly seconds?: number;
  readonly finishedAt?: string;
};

const planPath = (run: string) => `runs/${run}/plan.json`;
const resultPath = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/result.json`;

export const savePlan = (store: Store, run: string, plan: Plan): Promise<void> =>
  store.write(planPath(run), jsonBytes(plan));

/**
 * The plan that a run was started with; null when the store does not know the run.
 *
 * @throws ContrailError CorruptArtifact when it is damaged
 */
export async function loadPlan(store: Store, run: string): Promise<Plan | null> {
  const path = planPath(run);
  if (!(await store.exists(path))) return null;
  try {
    return planSchema.parse(parseJson(await store.read(path)));
  } catch (error) {
    throw new ContrailError('CorruptArtifact', `${store.locate(path)} is not a plan. Start a new run.`, {
      cause: error,
    });
  }
}

/** What a run was started with. @throws ContrailError RunNotFound, or CorruptArtifact */
export async function requirePlan(store: Store, run: string): Promise<Plan> {
  const plan = await loadPlan(store, run);
  if (!plan) throw new ContrailError('RunNotFound', `The store knows no run ${run}. \`contrail list\` shows the runs.`);
  return plan;
}

/** Records a finished step, so that a resumed run need not do it again. */
export const saveStepResult = (store: Store, key: StepKey, result: StoredStepResult): Promise<void> =>
  store.write(resultPath(key), jsonBytes(result));

/** Forgets the result of a step that is to be done again. */
export const removeStepResult = (store: Store, key: StepKey): Promise<void> => store.remove(resultPath(key));

/** The recorded result of a step; null when it never finished, or the record is not readable. */
export async function loadStepResult(store: Store, key: StepKey): Promise<StoredStepResult | null> {
  if (!(await store.exists(resultPath(key)))) return null;
  try {
    return stepResultSchema.parse(parseJson(await store.read(resultPath(key)))) as StoredStepResult;
  } catch {
    return null;
  }
}

/** The recorded results of a run, by step. */
export async function loadStepResults(store: Store, run: string): Promise<Record<string, StoredStepResult>> {
  const found = (await store.list(`runs/${run}/steps`)).flatMap(({ path }) => {
    const step = /^runs\/[^/]+\/steps\/([^/]+)\/result\.json$/.exec(path)?.[1];
    return plannedStepIdSchema.safeParse(step).success && step !== undefined ? [step] : [];
  });
  const results = await Promise.all(found.map(async (step) => [step, await loadStepResult(store, { run, step })]));
  return Object.fromEntries(results.filter(([, result]) => result !== null));
}

const epochLineSchema = epochMetricsSchema.extend({ epoch: z.int().positive() });
export type EpochLine = EpochMetrics & { readonly epoch: number };
const metricsPath = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/metrics.jsonl`;

/** Records the metrics of an epoch, one line each in order; an epoch that was trained again replaces its line. */
export async function saveEpochMetrics(store: Store, key: StepKey, line: EpochLine): Promise<void> {
  const others = (await loadEpochMetrics(store, key)).filter(({ epoch }) => epoch !== line.epoch);
  const lines = [...others, epochLineSchema.parse(line)].sort((a, b) => a.epoch - b.epoch);
  await store.write(metricsPath(key), lines.map(jsonBytes));
}

/** The recorded metrics, by epoch; lines that cannot be read are left out. */
export async function loadEpochMetrics(store: Store, key: StepKey): Promise<readonly EpochLine[]> {
  if (!(await store.exists(metricsPath(key)))) return [];
  const text = new TextDecoder().decode(await store.read(metricsPath(key)));
  return text.split('\n').flatMap((line) => {
    try {
      return [epochLineSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

/** The folder that a person looks into after a run. */
export const reportFolder = (run: string): string => `runs/${run}/report`;

export const writeReportFile = (store: Store, run: string, name: string, content: Content): Promise<void> =>
  store.write(`${reportFolder(run)}/${name}`, content);

/** The folder that TensorBoard is pointed at; each step has a folder in it. */
export const tensorboardFolder = (run: string): string => `runs/${run}/tensorboard`;
