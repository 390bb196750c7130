import { stepKeySchema } from '../../contracts/identifiers.ts';
import type { LogLine } from '../../contracts/logs.ts';
import { titleOfLoss } from '../../contracts/losses.ts';
import type { Plan } from '../../contracts/plan.ts';
import type { Interruption, TrainingReport } from '../../contracts/report.ts';
import { isTrainingKind } from '../../contracts/training-kinds.ts';
import {
  listLeases,
  loadChanges,
  loadEpochMetrics,
  readRunLog,
  type Store,
  type StoredStepResult,
  type TakenLease,
  unlessDamaged,
} from '../../store/index.ts';
import type { OriginOf } from './origin.ts';

/** What is known of a run whose trainings are looked at. */
interface Run {
  readonly run: string;
  readonly plan: Plan;
  readonly results: Readonly<Record<string, StoredStepResult>>;
  readonly log: readonly LogLine[];
  readonly resumedAt: readonly string[];
}

/**
 * Every training of a run, in the order of the plan: what each epoch gave, and what it lived through.
 *
 * @param onDamage is told what is damaged and therefore left out
 */
export async function gatherTrainings(
  store: Store,
  { run, plan, results, log, resumedAt }: Run,
  originOf: OriginOf,
  onDamage: (problem: string) => void,
): Promise<TrainingReport[]> {
  const logs = new Map([[run, log]]);
  const logOf = async (name: string) => {
    const found = logs.get(name) ?? (await readRunLog(store, name, undefined, onDamage)).lines;
    logs.set(name, found);
    return found;
  };
  const trainings: TrainingReport[] = [];
  for (const step of plan.steps) {
    if (!isTrainingKind(step.uses)) continue;
    const result = results[step.id]?.result;
    const trained = stepKeySchema.safeParse(result?.trained);
    const key = trained.success ? trained.data : { run, step: step.id };
    const started = (await logOf(key.run)).filter((line) => line.step === key.step);
    trainings.push({
      ...originOf(step.id),
      uses: step.uses,
      ...lossOf(step.with),
      takenFrom: key.run === run ? null : key.run,
      plannedEpochs: typeof step.with.epochs === 'number' ? step.with.epochs : Number(result?.epochs ?? 1),
      finished: result !== undefined,
      epochs: [...(await loadEpochMetrics(store, key, onDamage))],
      interruptions: interruptionsOf(await listLeases(store, key, onDamage), started, resumedAt),
      changes: [...((await unlessDamaged(loadChanges(store, key), onDamage)) ?? [])],
    });
  }
  return trainings;
}

/** The name of the loss, where the parameters of the plan have one. */
function lossOf(parameters: Plan['steps'][number]['with']): Pick<TrainingReport, 'loss'> {
  const loss = titleOfLoss(parameters);
  return loss === null ? {} : { loss };
}

/**
 * Each lease but the first is a process that took the training over from another.
 *
 * @param log the lines of the step, by time; the attempt that takes a lease says before which epoch it begins
 */
export function interruptionsOf(
  leases: readonly TakenLease[],
  log: readonly LogLine[],
  resumedAt: readonly string[],
): Interruption[] {
  return leases.slice(1).map(({ owner, takenAt }, index) => {
    const before = leases[index]?.takenAt ?? '';
    const begun = log.findLast(({ time, message }) => time <= takenAt && /^epoch-\d+: started/.test(message));
    const epoch = Number(/^epoch-(\d+)/.exec(begun?.message ?? '')?.[1]);
    return {
      kind: resumedAt.some((at) => at > before && at <= takenAt) ? 'resume' : 'restart',
      at: takenAt,
      owner,
      epoch: epoch > 0 ? epoch : null,
    };
  });
}
