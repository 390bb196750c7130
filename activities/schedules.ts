import { log } from '@temporalio/activity';
import { z } from 'zod';
import { artifactRefSchema } from '../contracts/artifacts.ts';
import { runIdSchema } from '../contracts/identifiers.ts';
import type { Plan } from '../contracts/plan.ts';
import type { RunRecord } from '../contracts/run.ts';
import { firingSchema, type LastCompleted, scheduleIdSchema } from '../contracts/schedules.ts';
import {
  digestOfSteps,
  isBeingRemoved,
  loadLastCompleted,
  loadPlan,
  loadRunRecord,
  loadScheduleDefinition,
  loadStepResult,
  recordRun,
  type Store,
  saveLastCompleted,
  savePlan,
  unlessDamaged,
} from '../store/index.ts';
import type { ActivityContext } from './context.ts';

export const prepareScheduledRunInput = firingSchema.extend({
  /** The id that the run gets, unless there is one of that id. */
  run: runIdSchema,
  /** The execution of the firing: another attempt of this activity finds its run again by it. */
  execution: z.string(),
});
export type PrepareScheduledRunInput = z.input<typeof prepareScheduledRunInput>;

export interface PreparedRun {
  readonly run: string;
  readonly plan: Plan;
  /** The run that this one need not repeat where the data is the same. */
  readonly last: LastCompleted | null;
}

/** Makes a new run of a schedule known to the store, as `contrail run` does. */
export async function prepareScheduledRun(
  { store, environment }: ActivityContext,
  input: PrepareScheduledRunInput,
): Promise<PreparedRun> {
  const { schedule, definition, execution, run: wanted } = prepareScheduledRunInput.parse(input);
  const { plan, source, config } = await loadScheduleDefinition(store, schedule, definition);
  const run = await takeRunId(store, wanted, {
    pipeline: plan.name,
    params: plan.params,
    createdAt: new Date().toISOString(),
    source,
    environment,
    schedule: { id: schedule, execution },
  });
  await savePlan(store, run, plan);
  const last = config.onlyIfChanged === 'data' ? await soundLastCompleted(store, schedule) : null;
  return { run, plan, last: last?.plan === digestOfSteps(plan) ? last : null };
}

/** Records the run under the first of `id`, `id-2`, `id-3` … that is free, or that an earlier attempt took for it. */
async function takeRunId(store: Store, wanted: string, record: Omit<RunRecord, 'run'>): Promise<string> {
  for (let count = 1; ; count++) {
    const run = count === 1 ? wanted : `${wanted}-${count}`;
    const existing = await loadRunRecord(store, run);
    if (existing?.schedule && existing.schedule.execution === record.schedule?.execution) return run;
    const isFree =
      existing === null && !(await store.exists(`runs/${run}/plan.json`)) && !(await isBeingRemoved(store, run));
    if (isFree && (await recordRun(store, { run, ...record }))) return run;
  }
}

/** A damaged record counts as none: the run is done once more than needed, and writes it anew. */
const soundLastCompleted = (store: Store, schedule: string): Promise<LastCompleted | null> =>
  unlessDamaged(loadLastCompleted(store, schedule), (problem) => log.warn(problem, { schedule }));

export const recordCompletedInput = z.strictObject({ schedule: scheduleIdSchema, run: runIdSchema });
export type RecordCompletedInput = z.input<typeof recordCompletedInput>;

/** Remembers the data of a run that completed. A run that ended at once because nothing had changed replaces nothing. */
export async function recordCompleted({ store }: ActivityContext, input: RecordCompletedInput): Promise<void> {
  const { schedule, run } = recordCompletedInput.parse(input);
  const plan = await loadPlan(store, run);
  if (!plan) return;
  const digests = await Promise.all(
    plan.steps
      .filter(({ uses }) => uses === 'prepare-data')
      .map(async ({ id }) => {
        const stored = await unlessDamaged(loadStepResult(store, { run, step: id }), (problem) =>
          log.warn(problem, { run }),
        );
        return [id, artifactRefSchema.safeParse(stored?.result.dataset).data?.digest] as const;
      }),
  );
  const data = Object.fromEntries(digests.flatMap(([id, digest]) => (digest ? [[id, digest]] : [])));
  const last = await soundLastCompleted(store, schedule);
  const steps = digestOfSteps(plan);
  const isKnown = last?.plan === steps && JSON.stringify(last.data) === JSON.stringify(data);
  if (!isKnown) await saveLastCompleted(store, schedule, { run, plan: steps, data });
}
