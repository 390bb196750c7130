import { activityInfo, log } from '@temporalio/activity';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import type { StepKind } from '../contracts/kinds/kind.ts';
import { stepKinds } from '../contracts/step-kinds.ts';
import {
  artifactsIn,
  holdArtifacts,
  loadEpochMetrics,
  loadStepResult,
  requireNone,
  saveCacheEntry,
  saveStepResult,
  unlessDamaged,
} from '../store/index.ts';
import { type ActivityContext, requireSendable, workedSeconds } from './context.ts';

type Result = { readonly [key: string]: Json };
type Finishing = StepKey & { readonly fingerprint: string };

/**
 * Records a step's result in the store, for a resumed run and for other runs that have the same step, and returns it.
 *
 * @param options.cache false for a result that does not follow from the fingerprint alone
 * @param options.made false for a result that names what others made
 * @throws ContrailError TakenByCollection where an artifact that it made is gone
 */
export async function finishStep(
  { store }: ActivityContext,
  { run, step, fingerprint }: Finishing,
  result: object,
  { cache = true, made = true }: { readonly cache?: boolean; readonly made?: boolean } = {},
): Promise<Result> {
  const plain = JSON.parse(JSON.stringify(result)) as { [key: string]: Json };
  requireSendable(plain);
  const lacking = await holdArtifacts(store, artifactsIn(plain));
  // A model may have lost what it was measured by; what the step made itself must be there.
  if (made) requireNone(lacking);
  const finishedAt = new Date().toISOString();
  if (cache && !hasEffect(fingerprint))
    await saveCacheEntry(store, { fingerprint, result: plain, run, step, createdAt: finishedAt });
  const epochs = await loadEpochMetrics(store, { run, step });
  const seconds = workedSeconds() + epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  await saveStepResult(store, { run, step }, { fingerprint, result: plain, seconds, finishedAt });
  return plain;
}

function hasEffect(fingerprint: string): boolean {
  const { uses } = JSON.parse(fingerprint) as { readonly uses: keyof typeof stepKinds };
  const kind: StepKind = stepKinds[uses];
  return kind.effect === true;
}

/**
 * Does a step's work, unless an earlier attempt recorded its result and died before it could report it. A finished step is
 * never done twice.
 */
export async function unlessFinished(
  { store }: ActivityContext,
  { run, step, fingerprint }: Finishing,
  work: () => Promise<Result>,
): Promise<Result> {
  const stored =
    activityInfo().attempt > 1
      ? await unlessDamaged(loadStepResult(store, { run, step }), (problem) => log.warn(problem, { run, step }))
      : null;
  return stored?.fingerprint === fingerprint ? stored.result : work();
}
