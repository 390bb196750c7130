import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { indexAboutSchema } from '../contracts/vector-index.ts';
import { artifactEntry, bytesOf, localArtifactFile, readAbout, readArtifactFile, type Store } from '../store/index.ts';
import { readKeys } from './graph/keys.ts';
import { npyHeader } from './output/index.ts';
import { readVectors } from './shards.ts';

/**
 * Writes an index as files that need no Contrail: `vectors.npy`, float32 [rows, dimension] of unit length, `rows.jsonl`, a line a row,
 * `index.json`, and of an approximate one USearch's `graph.usearch` with `keys.npy`, int32 [rows], the key of each row in it.
 *
 * @param folder is made
 * @returns the names of the files in it
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function exportIndex(store: Store, ref: ArtifactRef, folder: string): Promise<readonly string[]> {
  const about = await readAbout(store, ref, indexAboutSchema);
  const { count, dimension, shards, graph, settings, method, recall, encoder } = about;
  await mkdir(folder);
  const files = ['vectors.npy', 'rows.jsonl', 'index.json'];
  const [vectors, rows] = [await open(join(folder, 'vectors.npy'), 'wx'), await open(join(folder, 'rows.jsonl'), 'wx')];
  try {
    await vectors.writeFile(npyHeader('<f4', [count, dimension]));
    for (const shard of shards) {
      await vectors.writeFile(bytesOf(await readVectors(store, ref, shard, dimension)));
      await rows.writeFile(await readArtifactFile(store, ref, shard.rows));
    }
    await vectors.sync();
    await rows.sync();
  } finally {
    await vectors.close();
    await rows.close();
  }
  if (graph) {
    const from = await localArtifactFile(store, ref, await artifactEntry(store, ref, graph.file));
    await pipeline(createReadStream(from), createWriteStream(join(folder, 'graph.usearch'), { flush: true }));
    const keys = await readKeys(store, ref, graph.keys, count);
    await writeFile(join(folder, 'keys.npy'), Buffer.concat([npyHeader('<i4', [count]), bytesOf(keys)]), {
      flush: true,
    });
    files.push('graph.usearch', 'keys.npy');
  }
  const { quantization, connectivity, expansionAdd } = settings;
  const facts = {
    ...{ index: ref.digest, encoder: encoder.digest, count, dimension, method, recall },
    ...(graph
      ? {
          graph: {
            metric: 'ip',
            dtype: quantization,
            connectivity,
            expansionAdd,
            expansionSearch: graph.expansionSearch,
          },
        }
      : {}),
  };
  await writeFile(join(folder, 'index.json'), `${JSON.stringify(facts, null, 2)}\n`, { flush: true });
  return files;
}
