import { z } from 'zod';
import { type EpochMetrics, epochMetricsSchema } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import { plannedStepIdSchema, type StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { type Plan, planSchema } from '../contracts/plan.ts';
import { jsonBytes } from './digest.ts';
import { holdArtifacts } from './hold.ts';
import { artifactsIn } from './named-artifacts.ts';
import { listFolders, readIfThere, readJson, unlessDamaged } from './reading.ts';
import type { Content, Store } from './store.ts';

/**
 * What the store keeps of a run beside its checkpoints: its plan, the results of its finished steps, its report.
 */

export const stepResultSchema = z.strictObject({
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

export async function savePlan(store: Store, run: string, plan: Plan): Promise<void> {
  await holdArtifacts(store, artifactsIn(plan));
  await store.write(planPath(run), jsonBytes(plan));
}

/**
 * The plan that a run was started with; null when the store does not know the run.
 *
 * @throws ContrailError CorruptArtifact when it is damaged, StoreUnreadable
 */
export async function loadPlan(store: Store, run: string): Promise<Plan | null> {
  return readJson(store, planPath(run), {
    schema: planSchema,
    what: 'the plan of a run',
    remedy: 'Restore it from a copy, or start a new run: what it has in common with this one is in the cache.',
  });
}

/** What a run was started with. @throws ContrailError RunNotFound, or CorruptArtifact */
export async function requirePlan(store: Store, run: string): Promise<Plan> {
  const plan = await loadPlan(store, run);
  if (!plan) throw new ContrailError('RunNotFound', `The store knows no run ${run}. \`contrail list\` shows the runs.`);
  return plan;
}

/** Records a finished step, so that a resumed run need not do it again. */
export async function saveStepResult(store: Store, key: StepKey, result: StoredStepResult): Promise<void> {
  await holdArtifacts(store, artifactsIn(result.result));
  await store.write(resultPath(key), jsonBytes(result));
}

/** Forgets the result of a step that is to be done again. */
export const removeStepResult = (store: Store, key: StepKey): Promise<void> => store.remove(resultPath(key));

/** The recorded result of a step; null when it never finished. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const loadStepResult = (store: Store, key: StepKey): Promise<StoredStepResult | null> =>
  readJson(store, resultPath(key), {
    schema: stepResultSchema as z.ZodType<StoredStepResult>,
    what: 'the result of a step',
    remedy: `Restore it from a copy, or let \`contrail resume ${key.run}\` do ${key.step} again.`,
  });

/**
 * The recorded results of a run, by step.
 *
 * @param onDamage is told of a damaged one, which is left out; without it, that is an error
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function loadStepResults(
  store: Store,
  run: string,
  onDamage?: (problem: string) => void,
): Promise<Record<string, StoredStepResult>> {
  const steps = await listFolders(store, `runs/${run}/steps`);
  const results = await Promise.all(
    steps
      .filter((step) => plannedStepIdSchema.safeParse(step).success)
      .map(async (step) => {
        const reading = loadStepResult(store, { run, step });
        return [step, onDamage ? await unlessDamaged(reading, onDamage) : await reading] as const;
      }),
  );
  return Object.fromEntries(results.flatMap(([step, result]) => (result ? [[step, result]] : [])));
}

export const epochLineSchema = epochMetricsSchema.extend({ epoch: z.int().positive() });
export type EpochLine = EpochMetrics & { readonly epoch: number };
const metricsPath = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/metrics.jsonl`;

/** Records the metrics of an epoch, one line each in order; an epoch that was trained again replaces its line. */
export async function saveEpochMetrics(store: Store, key: StepKey, line: EpochLine): Promise<void> {
  const { lines, damaged } = await readEpochMetrics(store, key);
  const others = lines.filter(({ epoch }) => epoch !== line.epoch);
  const sorted = [...others, epochLineSchema.parse(line)].sort((a, b) => a.epoch - b.epoch);
  const kept = damaged.map(({ text }) => new TextEncoder().encode(`${text}\n`));
  await store.write(metricsPath(key), [...kept, ...sorted.map(jsonBytes)]);
}

/**
 * The recorded metrics, by epoch; damaged lines are left out, and told to `onDamage`.
 *
 * @throws ContrailError StoreUnreadable
 */
export async function loadEpochMetrics(
  store: Store,
  key: StepKey,
  onDamage: (problem: string) => void = () => {},
): Promise<readonly EpochLine[]> {
  const { lines, damaged } = await readEpochMetrics(store, key);
  for (const { number } of damaged) onDamage(`${store.locate(metricsPath(key))}:${number} is no epoch's metrics.`);
  return lines;
}

async function readEpochMetrics(store: Store, key: StepKey) {
  const bytes = await readIfThere(store, metricsPath(key));
  const lines: EpochLine[] = [];
  const damaged: { readonly number: number; readonly text: string }[] = [];
  for (const [index, text] of new TextDecoder()
    .decode(bytes ?? undefined)
    .split('\n')
    .entries()) {
    if (text === '') continue;
    try {
      lines.push(epochLineSchema.parse(JSON.parse(text)));
    } catch {
      damaged.push({ number: index + 1, text });
    }
  }
  return { lines, damaged };
}

/** The folder that a person looks into after a run. */
export const reportFolder = (run: string): string => `runs/${run}/report`;

export const writeReportFile = (store: Store, run: string, name: string, content: Content): Promise<void> =>
  store.write(`${reportFolder(run)}/${name}`, content);

/** The folder that TensorBoard is pointed at; each step has a folder in it. */
export const tensorboardFolder = (run: string): string => `runs/${run}/tensorboard`;
