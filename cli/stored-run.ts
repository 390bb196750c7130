import type { EpochMetrics } from '../contracts/checkpoints.ts';
import { runIdSchema } from '../contracts/identifiers.ts';
import { failureTypeIn, tellsOfStart } from '../contracts/logs.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import type { StepStatus } from '../contracts/status.ts';
import { isTrainingKind } from '../contracts/training-kinds.ts';
import { toleratedSteps } from '../pipelines/language/interpret/tolerance.ts';
import {
  isBeingRemoved,
  listFolders,
  loadEpochMetrics,
  loadPlan,
  loadRunRecord,
  loadStepResults,
  openCheckpoints,
  readRunLog,
  type Store,
  type StoredStepResult,
} from '../store/index.ts';
import { say } from './output.ts';
import { planByNow } from './plan-by-now.ts';
import { lostToFailures } from './trouble.ts';

/** What the store knows of a step. How often it was started, only the server knows. */
export type StoredStep = Omit<StepStatus, 'attempts'> & {
  readonly attempts: null;
  readonly seconds: number | null;
};

/** What the store knows of a run, for a list. */
export interface StoredRun {
  readonly run: string;
  readonly pipeline: string;
  /** Null for a run of a version that did not record it. */
  readonly started: string | null;
  readonly done: number;
  readonly steps: number;
  /** Every step that has to be done is. */
  readonly complete: boolean;
  readonly epoch: number | null;
  readonly bestLoss: number | null;
}

/** The runs that the store has, by name: each has a folder. */
export const runsInStore = async (store: Store): Promise<readonly string[]> =>
  (await listFolders(store, 'runs')).filter((name) => runIdSchema.safeParse(name).success);

/** What the store knows of a run; null where it has no plan of that name. @param onDamage is told what cannot be used */
export async function loadStoredRun(
  store: Store,
  run: string,
  onDamage: (problem: string) => void = say,
): Promise<StoredRun | null> {
  const written = (await isBeingRemoved(store, run)) ? null : await loadPlan(store, run);
  if (!written) return null;
  const plan = await planByNow(store, run, written);
  const record = await loadRunRecord(store, run);
  const results = await loadStepResults(store, run, onDamage);
  const training = plan.steps.findLast(({ id, uses }) => isTrainingKind(uses) && results[id]);
  const begun = training ?? plan.steps.find(({ uses }) => isTrainingKind(uses));
  const lines = begun ? await loadEpochMetrics(store, { run, step: begun.id }, onDamage) : [];
  const losses = lines.map(({ loss }) => loss);
  const steps = plan.steps.filter(({ role }) => (role ?? 'step') === 'step');
  return {
    run,
    pipeline: plan.name,
    started: record?.createdAt ?? null,
    done: steps.filter(({ id }) => results[id]).length,
    steps: steps.length,
    complete: isComplete(plan, steps, results),
    epoch: lines.at(-1)?.epoch ?? null,
    bestLoss: losses.length > 0 ? Math.min(...losses) : null,
  };
}

/**
 * A condition may have left out a step, and with it those that need it, and the loss of some may be tolerated; any other has a
 * result in the end.
 */
function isComplete(plan: Plan, steps: readonly PlannedStep[], results: Readonly<Record<string, unknown>>): boolean {
  const conditional = new Set<string>();
  const tolerated = new Set(toleratedSteps(plan, (id) => (results[id] ? 'done' : 'failed')));
  for (const { id, when, needs } of steps)
    if (when !== undefined || needs.some((need) => conditional.has(need))) conditional.add(id);
  return steps.every(({ id }) => results[id] !== undefined || conditional.has(id) || tolerated.has(id));
}

/**
 * The steps of a run by what they left in the store: results, checkpoints, and the last error in the log.
 *
 * @param hasEnded what has an error then failed; else it may be tried again
 */
export async function storedSteps(
  store: Store,
  run: string,
  written: Plan,
  { hasEnded }: { readonly hasEnded: boolean },
): Promise<readonly StoredStep[]> {
  const plan = await planByNow(store, run, written);
  const results = await loadStepResults(store, run, say);
  const errors = new Map<string, string>();
  for (const { step, level, message } of (await readRunLog(store, run, undefined, say)).lines)
    if (level === 'error') errors.set(step, message);
    else if (tellsOfStart(message)) errors.delete(step);
  // A run that was cancelled has steps that nobody did, and that are no loss.
  const lost = lostToFailures(
    plan.steps.map(({ id, needs }) => ({
      id,
      needs,
      state: results[id] ? 'done' : errors.has(id) ? 'failed' : 'waiting',
    })),
  );
  const tolerated = new Set(hasEnded ? toleratedSteps(plan, (id) => (lost.has(id) ? 'failed' : 'done')) : []);
  return Promise.all(
    plan.steps.map(async (step): Promise<StoredStep> => {
      const { id, uses, needs } = step;
      const result = results[id];
      const message = result ? undefined : errors.get(id);
      return {
        ...{ id, uses, needs, attempts: null },
        state: result ? 'done' : message !== undefined && hasEnded ? 'failed' : 'waiting',
        // A result that was taken over has no time of its own.
        reused: result !== undefined && result.seconds === undefined,
        ...{ startedAt: null, endedAt: result?.finishedAt ?? null, seconds: result?.seconds ?? null },
        ...(await progressOf(store, run, step, result)),
        result: result?.result ?? null,
        error: message === undefined ? null : { type: failureTypeIn(message), message },
        ...(tolerated.has(id) ? { tolerated: true } : {}),
      };
    }),
  );
}

async function progressOf(
  store: Store,
  run: string,
  { id, uses, with: parameters, rung }: PlannedStep,
  result: StoredStepResult | undefined,
): Promise<{ epoch: number | null; epochs: number | null; metrics: EpochMetrics | null }> {
  if (!isTrainingKind(uses)) return { epoch: null, epochs: null, metrics: null };
  const epochs = rung?.until ?? (typeof parameters.epochs === 'number' ? parameters.epochs : null);
  const kept = (await openCheckpoints(store, { run, step: id }).list()).filter(({ manifest }) => manifest.step === 0);
  const newest = kept.at(-1)?.manifest;
  const done = typeof result?.result.epochs === 'number' ? result.result.epochs : null;
  return { epoch: done ?? newest?.epoch ?? null, epochs, metrics: newest?.metrics ?? null };
}
