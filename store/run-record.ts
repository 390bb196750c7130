import {
  type ForkRecord,
  forkRecordSchema,
  type RecordedChange,
  type RunRecord,
  runRecordSchema,
} from '../contracts/run.ts';
import { jsonBytes } from './digest.ts';
import { readJson } from './reading.ts';
import type { Store } from './store.ts';

const recordPath = (run: string) => `runs/${run}/run.json`;

/** Records what a new run was started from; says whether it did: a run is recorded once. */
export const recordRun = (store: Store, record: RunRecord): Promise<boolean> =>
  store.writeExclusive(recordPath(record.run), jsonBytes(runRecordSchema.parse(record)));

/**
 * What a run was started from; null for a run of a version that did not record it.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export const loadRunRecord = (store: Store, run: string): Promise<RunRecord | null> =>
  readJson(store, recordPath(run), {
    schema: runRecordSchema,
    what: 'the record of a run',
    remedy: `Restore it from a copy, or remove it: ${run} then no longer knows its pipeline's file and its versions.`,
  });

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
