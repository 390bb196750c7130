import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { IndexAbout } from '../../contracts/vector-index.ts';
import type { Store } from '../../store/index.ts';
import { readVectors } from '../shards.ts';
import { exactSearcher } from './exact.ts';
import type { Searcher } from './searcher.ts';

/** Reads what an index is searched by. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function openSearcher(store: Store, ref: ArtifactRef, about: IndexAbout): Promise<Searcher> {
  return exactSearcher(await allVectors(store, ref, about), about.dimension);
}

/** The vectors of all shards, float32 [count, dimension]. */
async function allVectors(
  store: Store,
  ref: ArtifactRef,
  { shards, count, dimension }: IndexAbout,
): Promise<Float32Array> {
  const all = new Float32Array(count * dimension);
  let at = 0;
  for (const shard of shards) {
    all.set(await readVectors(store, ref, shard, dimension), at);
    at += shard.count * dimension;
  }
  return all;
}
