import { ContrailError } from '../contracts/errors.ts';
import { type RunRecord, runRecordSchema } from '../contracts/run.ts';
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
