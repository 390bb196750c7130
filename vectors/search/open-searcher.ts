import { fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { hasCode } from '../../contracts/system-errors.ts';
import type { IndexAbout } from '../../contracts/vector-index.ts';
import { artifactEntry, type Store } from '../../store/index.ts';
import { checkedCopy, checkedFile } from '../checked-file.ts';
import { fileMark } from '../file-mark.ts';
import { makeGraphFolder, removeGraphFolder, withoutRoom } from '../graph/folder.ts';
import { type Graph, viewGraph } from '../graph/graph.ts';
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
    graph: await ownGraph(store, ref, graph.file, (file) =>
      viewGraph(file, { ...settings, dimension }, graph.expansionSearch),
    ),
    dimension,
    quantization,
    rowsOf: rowsByKey(await readKeys(store, ref, graph.keys, count)),
    vectorOf: quantization === 'i8' ? await vectorsInFiles(store, ref, about) : () => new Float32Array(),
  });
}

/** Maps a copy of the graph that has no name any more, so that nobody can cut it short; its room is free when the process ends. */
async function ownGraph(store: Store, ref: ArtifactRef, name: string, view: (file: string) => Graph): Promise<Graph> {
  const folder = await makeGraphFolder();
  try {
    const copy = join(folder, 'graph.usearch');
    await checkedCopy(store, ref, name, copy).catch(async (error: unknown) => {
      // A file of a store on a server is on this machine's disk as well, which is another matter.
      const isOfCopy = hasCode(error, 'ENOSPC', 'EDQUOT') && (error as { readonly dest?: unknown }).dest === copy;
      if (!isOfCopy) throw error;
      throw withoutRoom(error, (await artifactEntry(store, ref, name)).bytes);
    });
    return view(copy);
  } finally {
    await removeGraphFolder(folder);
  }
}

/** The vectors of all shards, float32 [count, dimension]. */
async function allVectors(
  store: Store,
  ref: ArtifactRef,
  { shards, count, dimension }: IndexAbout,
): Promise<Float32Array> {
  const bytes = await Promise.all(shards.map(async ({ vectors }) => (await artifactEntry(store, ref, vectors)).bytes));
  const needed = count * dimension * Float32Array.BYTES_PER_ELEMENT;
  // Memory is taken for what is there, whatever the manifest says of it.
  if (bytes.reduce((sum, each) => sum + each, 0) < needed)
    throw new ContrailError(
      'CorruptArtifact',
      `The files of the index ${ref.digest} do not hold ${count} vectors of ${dimension} numbers.`,
    );
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
  const files: {
    readonly where: string;
    readonly descriptor: number;
    readonly offset: number;
    readonly first: number;
    readonly mark: string;
  }[] = [];
  const bytes = dimension * Float32Array.BYTES_PER_ELEMENT;
  let first = 0;
  for (const shard of shards) {
    const where = await checkedFile(store, ref, shard.vectors);
    const descriptor = openSync(where, 'r');
    // Its one tensor is the end of the file.
    const found = fstatSync(descriptor);
    files.push({ where, descriptor, offset: found.size - shard.count * bytes, first, mark: fileMark(found) });
    first += shard.count;
  }
  return (row) => {
    const { where, descriptor, offset, first, mark } = files[
      files.findLastIndex((file) => file.first <= row)
    ] as (typeof files)[0];
    const vector = new Float32Array(dimension);
    const read = readSync(descriptor, vector, { position: offset + (row - first) * bytes });
    if (read < bytes || fileMark(fstatSync(descriptor)) !== mark)
      throw new ContrailError('CorruptArtifact', `${where} has changed since it was opened.`);
    return vector;
  };
}
