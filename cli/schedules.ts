import {
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { ContrailError } from '../contracts/errors.ts';
import type { ScheduleConfig } from '../contracts/plan.ts';
import { type Firing, firingSchema } from '../contracts/schedules.ts';
import { isMissing, loadScheduleDefinition, type Store } from '../store/index.ts';
import { controlQueue, scheduledWorkflow } from '../workflows/options.ts';
import type { ServerClient } from './connection.ts';

/** Of a schedule whose definition is missing. */
export const definitionElsewhere =
  'This store does not hold what the schedule starts: CONTRAIL_HOME or CONTRAIL_STORE names another.';

type Overlap = ScheduleConfig['overlap'];

/** Temporal's name for an overlap policy: `buffer-one` is BUFFER_ONE. */
export const overlapPolicy = (overlap: Overlap): ScheduleOverlapPolicy =>
  ScheduleOverlapPolicy[overlap.toUpperCase().replace('-', '_') as keyof typeof ScheduleOverlapPolicy];

/** What Temporal is told of a schedule. */
export function scheduleOptions(
  firing: Firing,
  { cron, every, timezone, jitter, overlap, catchUp, pauseOnFailure }: ScheduleConfig,
) {
  return {
    spec: {
      ...(cron === undefined ? {} : { cronExpressions: [cron].flat() }),
      ...(every === undefined ? {} : { intervals: [{ every: duration(every) }] }),
      timezone,
      ...(jitter === undefined ? {} : { jitter: duration(jitter) }),
    },
    action: {
      type: 'startWorkflow',
      workflowType: scheduledWorkflow,
      workflowId: firing.schedule,
      taskQueue: controlQueue,
      args: [firing],
    },
    policies: { overlap: overlapPolicy(overlap), catchupWindow: duration(catchUp), pauseOnFailure },
  } as const satisfies Omit<ScheduleOptions, 'scheduleId'>;
}

/** Text as Temporal reads it: `10m`, or milliseconds. */
const duration = (value: string | number) => value as `${number}m` | number;

/**
 * A schedule that Temporal knows.
 *
 * @throws ContrailError Usage when there is none of that id, or it is not one of ours
 */
export async function openSchedule(
  { client }: ServerClient,
  id: string,
): Promise<{ handle: ScheduleHandle; description: ScheduleDescription; firing: Firing }> {
  const handle = client.schedule.getHandle(id);
  const description = await handle.describe().catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError)
      throw new ContrailError('Usage', `There is no schedule ${id}. \`contrail schedule list\` shows them.`, {
        cause: error,
      });
    throw error;
  });
  const firing = firingSchema.safeParse(description.action.args?.[0]);
  if (!firing.success) throw new ContrailError('Usage', `The schedule ${id} was not made by Contrail.`);
  return { handle, description, firing: firing.data };
}

/** Whether Temporal has a schedule of that id. */
export const scheduleExists = ({ client }: ServerClient, id: string): Promise<boolean> =>
  client.schedule
    .getHandle(id)
    .describe()
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof ScheduleNotFoundError) return false;
        throw error;
      },
    );

/** What a schedule starts, as the store has it; null where this store is not the schedule's. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const definitionOf = (store: Store, { schedule, definition }: Firing) =>
  loadScheduleDefinition(store, schedule, definition).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });

/** When, in a few words: `0 3 * * 1 (Europe/Paris)`, `every 6h`. */
export function whenText({ cron, every, timezone, jitter }: ScheduleConfig): string {
  const times = [...(cron === undefined ? [] : [cron].flat()), ...(every === undefined ? [] : [`every ${every}`])];
  const zone = cron === undefined ? '' : ` (${timezone})`;
  return `${times.join('; ')}${zone}${jitter === undefined ? '' : `, up to ${jitter} later`}`;
}
