import type { Plan } from '../contracts/plan.ts';
import {
  type LastCompleted,
  lastCompletedSchema,
  type ScheduleDefinition,
  scheduleDefinitionSchema,
} from '../contracts/schedules.ts';
import { digestOf, digestOfJson, jsonBytes } from './digest.ts';
import { holdArtifacts } from './hold.ts';
import { artifactsIn } from './named-artifacts.ts';
import { damagedFile, decodeJson, listFiles, missingFile, readIfThere, readJson } from './reading.ts';
import type { Store } from './store.ts';

const folderOf = (schedule: string) => `schedules/${schedule}`;
const definitionPath = (schedule: string, digest: string) => `${folderOf(schedule)}/definitions/${digest}.json`;
const lastPath = (schedule: string) => `${folderOf(schedule)}/last-completed.json`;

/** Stores what a schedule starts, by content: a changed pipeline is another definition, and the old one stays. */
export async function saveScheduleDefinition(store: Store, definition: ScheduleDefinition): Promise<string> {
  const bytes = jsonBytes(scheduleDefinitionSchema.parse(definition));
  const { sha256 } = digestOf(bytes);
  await holdArtifacts(store, artifactsIn(definition));
  await store.write(definitionPath(definition.schedule, sha256), bytes);
  return sha256;
}

/** @throws ContrailError CorruptArtifact when it is missing or damaged, StoreUnreadable */
export async function loadScheduleDefinition(
  store: Store,
  schedule: string,
  digest: string,
): Promise<ScheduleDefinition> {
  const path = definitionPath(schedule, digest);
  const what = 'the definition of a schedule that its name says';
  const remedy = '`contrail schedule create --replace` writes it anew.';
  const bytes = await readIfThere(store, path);
  if (bytes === null) throw damagedFile(store.locate(path), what, remedy, missingFile(store.locate(path)));
  if (digestOf(bytes).sha256 !== digest) throw damagedFile(store.locate(path), what, remedy);
  return decodeJson(store, path, bytes, { schema: scheduleDefinitionSchema, what, remedy });
}

/** The last run of a schedule that completed; null when there is none. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const loadLastCompleted = (store: Store, schedule: string): Promise<LastCompleted | null> =>
  readJson(store, lastPath(schedule), {
    schema: lastCompletedSchema,
    what: 'the record of the last run of a schedule',
    remedy: 'Remove it: the next firing runs whether or not its data has changed, and writes it anew.',
  });

export const saveLastCompleted = (store: Store, schedule: string, last: LastCompleted): Promise<void> =>
  store.write(lastPath(schedule), jsonBytes(lastCompletedSchema.parse(last)));

/** Two plans with the same steps do the same. */
export const digestOfSteps = ({ steps }: Pick<Plan, 'steps'>): string => digestOfJson(steps);

/** Forgets a schedule; the runs that it started stay. */
export async function removeSchedule(store: Store, schedule: string): Promise<void> {
  for (const { path } of await listFiles(store, folderOf(schedule))) await store.remove(path);
}
