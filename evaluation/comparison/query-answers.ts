import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { queriesFile } from '../../contracts/retrieval.ts';
import { float32, int32, type Store, tensorsIfKept } from '../../store/index.ts';

/** What a retrieval found for each query, all [queries]. */
export interface KeptAnswers {
  /** Rows of the split, ascending. */
  readonly rows: Int32Array;
  readonly labels: Int32Array;
  /** The place of the first image of the query's class. */
  readonly first: Int32Array;
  readonly mapAtR: Float32Array;
  /** 0 where the query counts in the measures; else it was left out as a leak. */
  readonly leftOut: Int32Array;
}

/**
 * The answers that a retrieval keeps.
 *
 * @returns null where it is of a version that kept none, or they were removed because an image was forgotten
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function keptAnswers(store: Store, retrieval: ArtifactRef): Promise<KeptAnswers | null> {
  const tensors = await tensorsIfKept(store, retrieval, queriesFile);
  if (!tensors) return null;
  const [rows, labels, first, mapAtR] = ['rows', 'labels', 'first', 'mapAtR'].map((name) => tensors.get(name));
  const leftOut = tensors.get('leftOut') ?? tensors.get('copies');
  if (!rows || !labels || !first || !mapAtR || !leftOut) return null;
  return {
    rows: int32(rows),
    labels: int32(labels),
    first: int32(first),
    mapAtR: float32(mapAtR),
    leftOut: int32(leftOut),
  };
}
