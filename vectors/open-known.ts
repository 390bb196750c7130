import type { ArtifactRef } from '../contracts/artifacts.ts';
import { encoderAboutSchema } from '../contracts/encoder.ts';
import { evaluationAboutSchema } from '../contracts/evaluation.ts';
import { knownImagesFile } from '../contracts/known-images.ts';
import { unitLength } from '../contracts/unit-length.ts';
import { isEmptied, readAbout, type Store } from '../store/index.ts';
import { checkQueries } from './check-queries.ts';
import { onFolderChange } from './checked-file.ts';
import { startSearchThread } from './search/search-thread.ts';

/** Training images that photos are compared with to tell what is known. */
export interface KnownImages {
  /**
   * The cosine similarity of each query to the nearest of them, -1 to 1.
   *
   * @param queries float32 [n, dimension] as the encoder of the evaluation gives them, of any length
   * @throws ContrailError InvalidInput for queries of another dimension or with NaN
   */
  readonly nearest: (queries: Float32Array) => Promise<readonly number[]>;
  /**
   * Whether they were removed from the store since they were opened, because one of them was forgotten; cheap where nothing changed.
   *
   * @throws ContrailError CorruptArtifact, StoreUnreadable
   */
  readonly isForgotten: () => Promise<boolean>;
  /** Ends once what is being compared is. */
  readonly close: () => Promise<void>;
}

/**
 * Opens the training images that an evaluation keeps, in a thread of their own.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function openKnown(store: Store, evaluation: ArtifactRef): Promise<KnownImages> {
  const { encoder } = await readAbout(store, evaluation, evaluationAboutSchema);
  const { dimension } = await readAbout(store, encoder, encoderAboutSchema);
  const thread = await startSearchThread(store, evaluation);
  const searching = new Set<Promise<unknown>>();
  return {
    nearest: async (queries) => {
      checkQueries(queries, dimension);
      if (queries.length === 0) return [];
      const found = thread.search(unitLength(queries, dimension), 1);
      searching.add(found);
      return Array.from((await found.finally(() => searching.delete(found))).scores);
    },
    isForgotten: onFolderChange(store, evaluation, () => isEmptied(store, evaluation, knownImagesFile)),
    close: async () => {
      await Promise.allSettled(searching);
      await thread.close();
    },
  };
}
