import { ContrailError } from '../contracts/errors.ts';
import type { Plan } from '../contracts/plan.ts';
import {
  type LastCompleted,
  lastCompletedSchema,
  type ScheduleDefinition,
  scheduleDefinitionSchema,
} from '../contracts/schedules.ts';
import { digestOf, digestOfJson, jsonBytes, parseJson } from './digest.ts';
import type { Store } from './store.ts';

const folderOf = (schedule: string) => `schedules/${schedule}`;
const definitionPath = (schedule: string, digest: string) => `${folderOf(schedule)}/definitions/${digest}.json`;
const lastPath = (schedule: string) => `${folderOf(schedule)}/last-completed.json`;

/** Stores what a schedule starts, by content: a changed pipeline is another definition, and the old one stays. */
export async function saveScheduleDefinition(store: Store, definition: ScheduleDefinition): Promise<string> {
  const bytes = jsonBytes(scheduleDefinitionSchema.parse(definition));
  const { sha256 } = digestOf(bytes);
  await store.write(definitionPath(definition.schedule, sha256), bytes);
  return sha256;
}

/** @throws ContrailError CorruptArtifact when it is missing or damaged */
export async function loadScheduleDefinition(
  store: Store,
  schedule: string,
  digest: string,
): Promise<ScheduleDefinition> {
  const path = definitionPath(schedule, digest);
  const bytes = await store.read(path);
  if (digestOf(bytes).sha256 !== digest)
    throw new ContrailError(
      'CorruptArtifact',
      `${store.locate(path)} is damaged. \`contrail schedule create --replace\` writes it anew.`,
    );
  return scheduleDefinitionSchema.parse(parseJson(bytes));
}

/** The last run of a schedule that completed; null when there is none. */
export async function loadLastCompleted(store: Store, schedule: string): Promise<LastCompleted | null> {
  if (!(await store.exists(lastPath(schedule)))) return null;
  const parsed = lastCompletedSchema.safeParse(parseJson(await store.read(lastPath(schedule))));
  return parsed.success ? parsed.data : null;
}

export const saveLastCompleted = (store: Store, schedule: string, last: LastCompleted): Promise<void> =>
  store.write(lastPath(schedule), jsonBytes(lastCompletedSchema.parse(last)));

/** Two plans with the same steps do the same. */
export const digestOfSteps = ({ steps }: Pick<Plan, 'steps'>): string => digestOfJson(steps);

/** Forgets a schedule; the runs that it started stay. */
export async function removeSchedule(store: Store, schedule: string): Promise<void> {
  for (const { path } of await store.list(folderOf(schedule))) await store.remove(path);
}
