import { createReadStream } from 'node:fs';
import { chmod, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { hashing } from './digest.ts';
import { filesBelow } from './file-system.ts';
import { temporaryMark } from './paths.ts';
import { isMissing } from './reading.ts';
import { leftoverAgeMs, removeTemporary } from './staged-files.ts';
import type { KnownContent } from './store.ts';

/** Whoever was given a file has opened it by then; one that is open can be read to its end also once it has no name. */
const inUseMs = 10 * 60 * 1000;

/** When a file was used is written down so often. */
const noteUseMs = 60 * 1000;

/** The cache is looked through when so much of its limit was added since. */
const lookAfter = 0.05;

/**
 * Copies on this machine of files that never change, under their paths in the store.
 *
 * O1. A copy has its name only once size and SHA-256 are right. Each process checks them again before it uses a copy for the first time,
 * and fetches one anew that a disk has spoilt.
 * O2. Above the limit the copies go that were not used for longest, but none that was used within ten minutes.
 */
export interface ObjectCache {
  /** The copy of a file, fetched into a temporary file where there is none. @throws what `fetch` throws, and for what it fetched that is not the content */
  readonly file: (path: string, content: KnownContent, fetch: (temporary: string) => Promise<void>) => Promise<string>;
  /** Makes a file that has the content the copy, without another. It may be on another disk, and stays then. */
  readonly take: (path: string, file: string) => Promise<void>;
  /** Removes a copy. */
  readonly drop: (path: string) => Promise<void>;
  /** The paths of all copies. */
  readonly paths: () => Promise<readonly string[]>;
}

/** What was fetched is not what it should be. */
export class OtherContent extends Error {
  constructor(readonly found: { readonly bytes: number; readonly sha256: string | null }) {
    super(`found ${found.bytes} bytes with SHA-256 ${found.sha256 ?? 'unknown'}`);
  }
}

/** @param limit in bytes */
export function createObjectCache(folder: string, limit: number): ObjectCache {
  const placeOf = (path: string) => join(folder, path);
  /** When this process last used a copy that it had checked. */
  const checked = new Map<string, number>();
  const underWay = new Map<string, Promise<string>>();
  let added = Number.POSITIVE_INFINITY;

  const isWhole = async (place: string, { bytes, sha256 }: KnownContent): Promise<boolean> => {
    try {
      if ((await stat(place)).size !== bytes) return false;
      return checked.has(place) || (await contentOf(place)).sha256 === sha256;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  };

  const use = async (place: string): Promise<string> => {
    const now = Date.now();
    if (now - (checked.get(place) ?? 0) > noteUseMs) {
      checked.set(place, now);
      await utimes(place, now / 1000, now / 1000);
    }
    return place;
  };

  const settle = async (temporary: string, place: string, bytes: number) => {
    await chmod(temporary, 0o400);
    await mkdir(dirname(place), { recursive: true });
    await rename(temporary, place);
    added += bytes;
    if (added > limit * lookAfter) {
      added = 0;
      await makeRoom(folder, limit, (path) => checked.delete(path));
    }
  };

  const fetchOnce = async (
    place: string,
    content: KnownContent,
    fetch: (temporary: string) => Promise<void>,
  ): Promise<string> => {
    if (await isWhole(place, content)) return use(place);
    checked.delete(place);
    const temporary = `${place}${temporaryMark}${process.pid}-${Math.random().toString(36).slice(2)}`;
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    try {
      await fetch(temporary);
      const found = await contentOf(temporary);
      if (found.bytes !== content.bytes || found.sha256 !== content.sha256) throw new OtherContent(found);
      await settle(temporary, place, found.bytes);
    } finally {
      await removeTemporary(temporary);
    }
    return use(place);
  };

  return {
    file: (path, content, fetch) => {
      const place = placeOf(path);
      const known = underWay.get(place);
      if (known) return known;
      const fetching = fetchOnce(place, content, fetch).finally(() => underWay.delete(place));
      underWay.set(place, fetching);
      return fetching;
    },
    take: async (path, file) => {
      const place = placeOf(path);
      const { size } = await stat(file);
      if (size > limit) return;
      await settle(file, place, size);
    },
    drop: async (path) => {
      checked.delete(placeOf(path));
      await rm(placeOf(path), { force: true });
    },
    paths: async () =>
      (await filesBelow(folder))
        .filter(({ path }) => !path.includes(temporaryMark))
        .map(({ path }) => relative(folder, path).split(sep).join('/')),
  };
}

async function makeRoom(folder: string, limit: number, onRemove: (path: string) => void): Promise<void> {
  const now = Date.now();
  const found = await filesBelow(folder);
  for (const { path, modifiedMs } of found)
    if (path.includes(temporaryMark) && now - modifiedMs > leftoverAgeMs) await removeTemporary(path);
  const copies = found.filter(({ path }) => !path.includes(temporaryMark));
  let total = copies.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes, modifiedMs } of copies.sort((a, b) => a.modifiedMs - b.modifiedMs)) {
    if (total <= limit) return;
    if (now - modifiedMs < inUseMs) return;
    onRemove(path);
    await rm(path, { force: true });
    total -= bytes;
  }
}

/** Hashed piece by piece, so that nothing else waits. */
async function contentOf(file: string): Promise<KnownContent> {
  const { pieces, digest } = hashing(createReadStream(file, { highWaterMark: 2 ** 20 }));
  for await (const _ of pieces);
  return digest();
}
