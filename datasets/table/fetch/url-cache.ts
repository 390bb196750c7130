import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../../contracts/system-errors.ts';

/** A file that was fetched. */
export interface KeptFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Files by the URLs that they were fetched from: `<folder>/<first two of the key>/<key>.<digest>`, where the key is the SHA-256 of the
 * URL, and the digest that of the content.
 */
export interface UrlCache {
  /** What was fetched from a URL; null where nothing was, or what was kept is damaged. */
  readonly find: (url: string) => Promise<KeptFile | null>;
  /** Keeps what is written, unless the writing throws. */
  readonly keep: (
    url: string,
    write: (append: (piece: Uint8Array) => Promise<void>) => Promise<void>,
  ) => Promise<KeptFile>;
}

/** Files that a process that died was writing. */
const staleMilliseconds = 24 * 60 * 60_000;

export function openUrlCache(folder: string): UrlCache {
  const listings = new Map<string, Promise<ReadonlyMap<string, string>>>();
  const shardOf = (key: string) => join(folder, key.slice(0, 2));
  const namesIn = (shard: string) => {
    const known = listings.get(shard) ?? listShard(shard);
    listings.set(shard, known);
    return known;
  };
  return {
    find: async (url) => {
      const key = keyOf(url);
      const name = (await namesIn(shardOf(key))).get(key);
      if (name === undefined) return null;
      const path = join(shardOf(key), name);
      const found = await digestOfFile(path);
      if (found && name === `${key}.${found.digest}`) return { path, bytes: found.bytes };
      await rm(path, { force: true });
      return null;
    },
    keep: async (url, write) => {
      const key = keyOf(url);
      await mkdir(shardOf(key), { recursive: true });
      const temporary = join(shardOf(key), `.${randomUUID()}`);
      try {
        const hash = createHash('sha256');
        let bytes = 0;
        const file = await open(temporary, 'wx');
        try {
          await write(async (piece) => {
            hash.update(piece);
            bytes += piece.byteLength;
            await file.writeFile(piece);
          });
        } finally {
          await file.close();
        }
        const path = join(shardOf(key), `${key}.${hash.digest('hex')}`);
        await rename(temporary, path);
        return { path, bytes };
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
}

const keyOf = (url: string) => createHash('sha256').update(url).digest('hex');

/** The names of the files of a shard by their keys. */
async function listShard(shard: string): Promise<ReadonlyMap<string, string>> {
  await mkdir(shard, { recursive: true });
  const names = (await readdir(shard)).sort();
  for (const name of names.filter((each) => each.startsWith('.'))) {
    const { mtimeMs } = await stat(join(shard, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > staleMilliseconds) await rm(join(shard, name), { force: true });
  }
  return new Map(names.filter((each) => !each.startsWith('.')).map((name) => [name.split('.')[0] ?? '', name]));
}

/** @returns null where it is gone: another process found it damaged */
async function digestOfFile(path: string): Promise<{ readonly digest: string; readonly bytes: number } | null> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) {
      hash.update(piece as Buffer);
      bytes += (piece as Buffer).length;
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
  return { digest: hash.digest('hex'), bytes };
}
