import type { VectorRow } from '../contracts/vectors.ts';
import type { ArtifactWriter } from '../store/index.ts';
import { type Shard, type ShardContent, shardFiles } from './shards.ts';

/** 8 MiB of vectors of 512 numbers. */
const defaultRows = 4096;

/** Writes rows into shards of one size, so that equal rows make equal files however they came. */
export interface VectorShardWriter {
  /** Shards with pictures and without are kept apart. */
  readonly add: (content: ShardContent) => Promise<void>;
  /** Writes what is left; the shards in order. */
  readonly finish: () => Promise<readonly Shard[]>;
}

interface Pending {
  readonly vectors: Float32Array[];
  readonly rows: VectorRow[];
  readonly pictures: Uint8Array[] | undefined;
}

/** @param rowsPerShard of each shard but the last; @default 4096 */
export function vectorShardWriter(writer: ArtifactWriter, rowsPerShard = defaultRows): VectorShardWriter {
  const shards: Shard[] = [];
  let pending: Pending | null = null;
  const flush = async () => {
    if (!pending) return;
    const { vectors, rows, pictures } = pending;
    pending = null;
    const { shard, files } = shardFiles(shards.length, { embeddings: joined(vectors), rows, pictures });
    for (const { path, content } of files) await writer.add(path, content);
    shards.push(shard);
  };
  return {
    add: async ({ embeddings, rows, pictures }) => {
      if (pending && (pending.pictures === undefined) !== (pictures === undefined)) await flush();
      const dimension = embeddings.length / rows.length;
      for (let from = 0; from < rows.length; ) {
        pending ??= { vectors: [], rows: [], pictures: pictures ? [] : undefined };
        const to = Math.min(rows.length, from + rowsPerShard - pending.rows.length);
        pending.vectors.push(embeddings.subarray(from * dimension, to * dimension));
        pending.rows.push(...rows.slice(from, to));
        pending.pictures?.push(...(pictures ?? []).slice(from, to));
        if (pending.rows.length === rowsPerShard) await flush();
        from = to;
      }
    },
    finish: async () => {
      await flush();
      return shards;
    },
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
