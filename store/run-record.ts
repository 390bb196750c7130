import { ContrailError } from '../contracts/errors.ts';
import {
  type ForkRecord,
  forkRecordSchema,
  type RecordedChange,
  type RunRecord,
  runRecordSchema,
} from '../contracts/run.ts';
import { jsonBytes, parseJson } from './digest.ts';
import type { Store } from './store.ts';

const recordPath = (run: string) => `runs/${run}/run.json`;

/** Records what a new run was started from; says whether it did: a run is recorded once. */
export const recordRun = (store: Store, record: RunRecord): Promise<boolean> =>
  store.writeExclusive(recordPath(record.run), jsonBytes(runRecordSchema.parse(record)));

/** What a run was started from; null for a run of a version that did not record it. @throws ContrailError CorruptArtifact */
export async function loadRunRecord(store: Store, run: string): Promise<RunRecord | null> {
  const path = recordPath(run);
  if (!(await store.exists(path))) return null;
  try {
    return runRecordSchema.parse(parseJson(await store.read(path)));
  } catch (cause) {
    throw new ContrailError('CorruptArtifact', `${store.locate(path)} is not the record of a run.`, { cause });
  }
}

/** Adds to the record of a run that it was gone on with. A run of a version that did not record it has nothing to add to. */
export async function recordResume(
  store: Store,
  run: string,
  resume: NonNullable<RunRecord['resumes']>[number],
): Promise<void> {
  await amend(store, run, (record) => ({ ...record, resumes: [...(record.resumes ?? []), resume] }));
}

/** Adds to the record of a run that a step of it was changed before it began. */
export async function recordChange(store: Store, run: string, change: RecordedChange): Promise<void> {
  await amend(store, run, (record) => ({ ...record, changes: [...(record.changes ?? []), change] }));
}

async function amend(store: Store, run: string, change: (record: RunRecord) => RunRecord): Promise<void> {
  const record = await loadRunRecord(store, run);
  if (record) await store.write(recordPath(run), jsonBytes(runRecordSchema.parse(change(record))));
}

/** Tells the run that another was forked from. */
export const recordFork = (store: Store, origin: string, fork: ForkRecord): Promise<void> =>
  store.write(`runs/${origin}/forks/${fork.run}.json`, jsonBytes(forkRecordSchema.parse(fork)));
