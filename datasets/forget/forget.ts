import { type Forgotten, forgottenSchema } from '../../contracts/forgotten.ts';
import {
  emptyArtifact,
  loadForgotten,
  loadRejectedPictures,
  removeCacheEntry,
  type Store,
  saveForgotten,
  saveRejectedPictures,
  stagingFolder,
} from '../../store/index.ts';
import { removeFetched } from '../table/fetch/index.ts';
import { type FoundImage, findImage } from './find.ts';

/** Who forgets what. */
export interface Forgetting {
  /** The image as it was named. */
  readonly image: string;
  /** User and machine. */
  readonly by: string;
  /** @throws where a run goes on that uses the image, or may prepare data with it */
  readonly requireQuiet: (found: FoundImage) => Promise<void>;
  /** Where images that were fetched are kept, beside the store. */
  readonly cacheFolder: string;
}

/**
 * Removes an image from a store: the files of data sets that hold it, what was computed of it alone, and the pages that show it.
 * Encoders and classifiers that were trained on it stay: weights cannot forget. What was made with it is kept in the record.
 *
 * F1. The record comes first: a run that begins after it prepares no data set with the image, and embeds it nowhere. So no run is asked about but
 * those that go on then, and what they left is found after.
 * F2. The cache goes before the artifacts, so that no step takes over what is being emptied.
 * F3. Each piece can be done again: an interrupted removal is repeated and ends the same.
 *
 * @param first of `findImage`
 * @returns what was found in the end, and removed
 * @throws ContrailError CorruptArtifact, StoreUnreadable; what `requireQuiet` throws, when nothing is removed yet
 */
export async function forgetImage(
  store: Store,
  first: FoundImage,
  { image, by, requireQuiet, cacheFolder }: Forgetting,
): Promise<{ readonly found: FoundImage; readonly record: Forgotten }> {
  await requireQuiet(first);
  const before = await recordOf(store, first.sources);
  const at = before?.at ?? new Date().toISOString();
  const record = ({ sources, uses }: FoundImage): Forgotten =>
    forgottenSchema.parse({
      ...{ format: 'contrail-forgotten/1', image, by, at, uses },
      sources: [...new Set([...(before?.sources ?? []), ...sources])],
    });
  await saveForgotten(store, record(first));
  await requireQuiet(first);
  const found = await findImage(store, record(first).sources);
  await saveForgotten(store, record(found));
  for (const key of found.cached) await removeCacheEntry(store, key);
  for (const file of [...found.pieces, ...found.pages]) await store.remove(file);
  for (const list of found.shownRejected) {
    const others = (await loadRejectedPictures(store, list)).filter(({ source }) => !found.sources.includes(source));
    await saveRejectedPictures(store, list, others);
  }
  for (const { artifact, files } of found.uses.emptied) await emptyArtifact(store, artifact, { files, at });
  await removeFetched(cacheFolder, found.sources);
  await store.sweep(stagingFolder);
  return { found, record: record(found) };
}

/** What was recorded of an image before. */
const recordOf = async (store: Store, sources: readonly string[]): Promise<Forgotten | undefined> =>
  (await loadForgotten(store)).find((each) => each.sources.some((source) => sources.includes(source)));
