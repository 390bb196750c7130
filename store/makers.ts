import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { artifactsIn } from './named-artifacts.ts';
import { artifactFolder } from './paths.ts';
import { listFolders } from './reading.ts';
import { loadStepResults } from './run-files.ts';
import type { Store } from './store.ts';

/**
 * Which step made each artifact, as far as the results of runs tell: of the steps whose result names it and that were not given it, the
 * one that ended first, since a step that takes a promoted model, or a result from the cache, names what another made.
 *
 * @returns by the folders of the artifacts; without those that no result names. Results that are damaged are passed over
 * @throws ContrailError StoreUnreadable
 */
export async function makersOf(store: Store, refs: readonly ArtifactRef[]): Promise<ReadonlyMap<string, StepKey>> {
  const wanted = new Set(refs.map(artifactFolder));
  const found = new Map<string, StepKey & { readonly finishedAt: string }>();
  if (wanted.size === 0) return found;
  for (const run of await listFolders(store, 'runs'))
    for (const [step, stored] of Object.entries(await loadStepResults(store, run, () => {}))) {
      // A result that was taken over has no time of its own.
      const { result, fingerprint, finishedAt = 'later' } = stored;
      for (const ref of artifactsIn(result)) {
        const folder = artifactFolder(ref);
        if (!wanted.has(folder) || fingerprint.includes(ref.digest)) continue;
        const before = found.get(folder);
        if (!before || finishedAt < before.finishedAt) found.set(folder, { run, step, finishedAt });
      }
    }
  return found;
}
