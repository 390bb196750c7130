import { fstatSync, openSync, readSync } from 'node:fs';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { IndexAbout } from '../../contracts/vector-index.ts';
import type { Store } from '../../store/index.ts';
import { checkedFile } from '../checked-file.ts';
import { viewGraph } from '../graph/graph.ts';
import { readKeys, rowsByKey } from '../graph/keys.ts';
import { readVectors } from '../shards.ts';
import { graphSearcher } from './approximate.ts';
import { exactSearcher } from './exact.ts';
import type { Searcher } from './searcher.ts';

/** Reads what an index is searched by. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function openSearcher(store: Store, ref: ArtifactRef, about: IndexAbout): Promise<Searcher> {
  const { dimension, graph, settings, count } = about;
  if (!graph) return exactSearcher(await allVectors(store, ref, about), dimension);
  const { quantization } = settings;
  return graphSearcher({
    graph: viewGraph(await checkedFile(store, ref, graph.file), { ...settings, dimension }, graph.expansionSearch),
    dimension,
    quantization,
    rowsOf: rowsByKey(await readKeys(store, ref, graph.keys, count)),
    vectorOf: quantization === 'i8' ? await vectorsInFiles(store, ref, about) : () => new Float32Array(),
  });
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

/** Reads single vectors from the shards' files, whose digests are checked first. The files are closed with the thread that opened them. */
async function vectorsInFiles(
  store: Store,
  ref: ArtifactRef,
  { shards, dimension }: IndexAbout,
): Promise<(row: number) => Float32Array> {
  const files: { readonly descriptor: number; readonly offset: number; readonly first: number }[] = [];
  let first = 0;
  for (const shard of shards) {
    const descriptor = openSync(await checkedFile(store, ref, shard.vectors), 'r');
    // Its one tensor is the end of the file.
    files.push({ descriptor, offset: fstatSync(descriptor).size - shard.count * dimension * 4, first });
    first += shard.count;
  }
  return (row) => {
    const { descriptor, offset, first } = files[files.findLastIndex((file) => file.first <= row)] as (typeof files)[0];
    const vector = new Float32Array(dimension);
    readSync(descriptor, vector, { position: offset + (row - first) * dimension * 4 });
    return vector;
  };
}
