import { stepKeySchema } from '../contracts/identifiers.ts';
import { forkRecordSchema } from '../contracts/run.ts';
import { jsonBytes } from './digest.ts';
import { listModels, loadVersions } from './models.ts';
import { openCheckpoints } from './open-checkpoints.ts';
import { listFiles, listFolders, readJson, unlessDamaged } from './reading.ts';
import { loadStepResults } from './run-files.ts';
import { loadRunRecord } from './run-record.ts';
import type { Store } from './store.ts';

/**
 * Removes runs from the store.
 *
 * D1. `removing.json` is written first and removed last: what is left of an interrupted removal is no run, cannot be started
 * under that name, and can be removed again.
 * D2. `plan.json` goes next: without it nothing takes the rest for a run.
 */
const folderOf = (run: string) => `runs/${run}`;
const markPath = (run: string) => `${folderOf(run)}/removing.json`;

/** Whether the removal of a run was begun and not ended. */
export const isBeingRemoved = (store: Store, run: string): Promise<boolean> => store.exists(markPath(run));

/**
 * What still needs a run: versions of models, forks, and runs that took a training of it over, whose reports read its
 * epochs and whose learning curves its checkpoints. One sentence each; none where it can go.
 *
 * @param going the runs that go with it
 * @throws ContrailError CorruptArtifact, StoreUnreadable: what cannot be read may need it
 */
export async function neededBy(store: Store, run: string, going: ReadonlySet<string>): Promise<readonly string[]> {
  const needs: string[] = [];
  for (const model of await listModels(store))
    for (const { version, run: origin } of await loadVersions(store, model))
      if (origin === run) needs.push(`version ${version} of the model ${model} is of it`);
  for (const other of await listFolders(store, 'runs')) {
    if (other === run || going.has(other)) continue;
    const origin = (await loadRunRecord(store, other))?.forkedFrom;
    if (origin?.run === run) needs.push(`${other} is a fork of it, from epoch ${origin.epoch} of ${origin.step}`);
    for (const [step, { result }] of Object.entries(await loadStepResults(store, other))) {
      const trained = stepKeySchema.safeParse(result.trained);
      if (trained.success && trained.data.run === run)
        needs.push(`${step} of ${other} is its training ${trained.data.step}, taken over`);
    }
  }
  return needs;
}

/** Removes all that the store keeps under a run. Its artifacts stay, for `collectGarbage`. An interrupted removal can be repeated. */
export async function removeRun(store: Store, run: string): Promise<void> {
  // A damaged record keeps nobody from removing the run; the checkpoint that it was forked from then stays pinned.
  const origin = (await unlessDamaged(loadRunRecord(store, run), () => {}))?.forkedFrom;
  await store.write(markPath(run), jsonBytes({ at: new Date().toISOString() }));
  if (origin) await forgetFork(store, run, origin);
  await store.remove(`${folderOf(run)}/plan.json`);
  for (const { path } of await listFiles(store, folderOf(run))) if (path !== markPath(run)) await store.remove(path);
  await store.remove(markPath(run));
}

/** The run that it was forked from need not keep the checkpoint any more, unless another fork began there too. */
async function forgetFork(
  store: Store,
  fork: string,
  { run, step, epoch }: { readonly run: string; readonly step: string; readonly epoch: number },
): Promise<void> {
  await store.remove(`${folderOf(run)}/forks/${fork}.json`);
  const others = await Promise.all(
    (await listFiles(store, `${folderOf(run)}/forks`)).map(({ path }) =>
      readJson(store, path, { schema: forkRecordSchema, what: 'the record of a fork', remedy: 'Remove it.' }),
    ),
  );
  if (others.some((other) => other?.step === step && other.epoch === epoch)) return;
  const checkpoints = openCheckpoints(store, { run, step });
  for (const { name, manifest } of await checkpoints.list())
    if (manifest.epoch === epoch && manifest.step === 0) await checkpoints.unpin(name);
}
