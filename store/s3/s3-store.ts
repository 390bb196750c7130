import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import { filesBelow, readWhole } from '../file-system.ts';
import { inLanes } from '../in-lanes.ts';
import { createObjectCache, OtherContent } from '../object-cache.ts';
import { checkedPath, stagingFolder } from '../paths.ts';
import { missingFile } from '../reading.ts';
import { leftoverAgeMs } from '../staged-files.ts';
import type { Store } from '../store.ts';
import { placeUrl, type S3Address, s3Url } from './address.ts';
import { connectS3 } from './connection.ts';
import { readFailure, s3Failure } from './failures.ts';
import { abortStaleUploads, listFolderNames, listObjects } from './listing.ts';
import { probeExclusive } from './probe.ts';
import {
  hasObject,
  markOfWriting,
  readIntoFile,
  readObject,
  readPartOf,
  type S3Object,
  WrongDigest,
} from './reading.ts';
import { discard, inPieces, spool } from './spool.ts';
import { createObject, inMemory, removeObject, type Source, writeObject } from './writing.ts';

/** That a file is in the store is asked again after so long, where a copy of it is used. */
const trustedMs = 60 * 1000;

/** Copies of which it is asked at a time whether the store still has their files. */
const askedAtOnce = 16;

/**
 * A store on an S3 server: a file is an object under a prefix. Objects appear whole or not at all by the server's own promise.
 *
 * S1. A listing finds candidates, and decides nothing: what is there is what a read of its key finds.
 * S2. Only `NoSuchKey` says that a file is absent. Every other error is StoreUnreadable.
 * S3. Nothing is exclusive before a probe has found, once in each process, that the server keeps the condition.
 */
export function createS3Store(address: S3Address): Store {
  const { bucket, prefix, cacheFolder, cacheBytes } = address;
  const connect = connectS3(address);
  const base = prefix === '' ? '' : `${prefix}/`;
  const keyOf = (path: string) => `${base}${checkedPath(path)}`;
  const locate = (path: string) => `${placeUrl({ bucket, prefix: '' })}/${keyOf(path)}`;
  const copiesFolder = join(cacheFolder, createHash('sha256').update(placeUrl(address)).digest('hex').slice(0, 16));
  const copies = createObjectCache(copiesFolder, cacheBytes);
  const staged = join(cacheFolder, stagingFolder);
  const seen = new Map<string, number>();
  let probed: Promise<void> | undefined;

  const objectOf = async (path: string): Promise<S3Object> => {
    const key = keyOf(path);
    return { at: await connect(), bucket, key };
  };
  /** Works with an object; what fails is told as said. */
  const withObject = async <T>(
    path: string,
    told: (where: string, error: unknown) => ContrailError,
    work: (object: S3Object) => Promise<T>,
  ): Promise<T> => {
    // Before anything else: a path that is refused is not a failure of the server.
    const where = locate(path);
    try {
      return await work(await objectOf(path));
    } catch (error) {
      throw error instanceof OtherContent ? error : told(where, error);
    }
  };
  const writing = (where: string, error: unknown) => s3Failure(where, 'written', error);

  const probe = (): Promise<void> => {
    const start = async () => {
      const at = await connect();
      const where = placeUrl(address);
      try {
        await probeExclusive((name) => ({ at, bucket, key: keyOf(`${stagingFolder}/${name}`) }), where);
      } catch (error) {
        throw writing(where, error);
      }
    };
    probed ??= start().catch((error: unknown) => {
      probed = undefined;
      throw error;
    });
    return probed;
  };

  const write = async (path: string, source: Source) => {
    await withObject(path, writing, (object) => writeObject(object, source));
    seen.delete(path);
  };

  const exists = (path: string) => withObject(path, readFailure, hasObject);

  /** A copy may outlive its file, which is then gone for good. */
  const requireThere = async (path: string) => {
    if (Date.now() - (seen.get(path) ?? 0) < trustedMs) return;
    if (!(await exists(path))) {
      await copies.drop(path);
      throw missingFile(locate(path));
    }
    seen.set(path, Date.now());
  };

  const list = async (folder: string) => {
    const below = `${keyOf(folder)}/`;
    return listBelow(below, locate(folder));
  };
  const listBelow = async (below: string, where: string) => {
    try {
      const found = await listObjects({ at: await connect(), bucket, prefix: below });
      return found
        .map(({ path, ...file }) => ({ path: path.slice(base.length), ...file }))
        .sort((a, b) => (a.path < b.path ? -1 : 1));
    } catch (error) {
      throw s3Failure(where, 'listed', error);
    }
  };

  return {
    url: s3Url(address),
    read: (path) => withObject(path, readingWhole, readObject),
    readRange: (path, from, to) => withObject(path, readFailure, (object) => readPartOf(object, from, to)),
    exists,
    writtenAs: (path) => withObject(path, readFailure, markOfWriting),
    list,
    everything: () => listBelow(base, placeUrl(address)),
    folders: async (folder) => {
      const where = `${keyOf(folder)}/`;
      try {
        return (await listFolderNames({ at: await connect(), bucket, prefix: where })).sort();
      } catch (error) {
        throw s3Failure(locate(folder), 'listed', error);
      }
    },
    write: async (path, content) => {
      keyOf(path);
      const pieces = await inPieces(content);
      if ('all' in pieces) return write(path, inMemory(pieces.all));
      const spooled = await spool(staged, pieces.rest);
      try {
        await write(path, spooled);
      } finally {
        await discard(spooled);
      }
    },
    writeExclusive: async (path, content) => {
      keyOf(path);
      await probe();
      return withObject(path, writing, (object) => createObject(object, content));
    },
    stage: async (content) => {
      const spooled = await spool(staged, content);
      return {
        read: () => readWhole(spooled.file),
        publish: async (path) => {
          await write(path, spooled);
          spooled.temporary.letGo();
          // Whoever wrote it reads it soon, as a rule.
          await copies.take(path, spooled.file).catch(() => {});
          await discard(spooled);
        },
        discard: () => discard(spooled),
      };
    },
    remove: async (path) => {
      await withObject(path, (where, error) => s3Failure(where, 'removed', error), removeObject);
      seen.delete(path);
      await copies.drop(path);
    },
    sweep: async (folder) => {
      const where = `${keyOf(folder)}/`;
      try {
        const at = await connect();
        const before = Date.now() - leftoverAgeMs;
        let swept = await abortStaleUploads({ at, bucket, prefix: where }, leftoverAgeMs);
        if (folder !== stagingFolder) return swept;
        for (const { path, modifiedMs } of await listObjects({ at, bucket, prefix: where }))
          if (modifiedMs < before) {
            await removeObject({ at, bucket, key: path });
            swept++;
          }
        for (const { path, modifiedMs } of await filesBelow(staged))
          if (modifiedMs < before) {
            await rm(path, { force: true });
            swept++;
          }
        return swept;
      } catch (error) {
        throw s3Failure(locate(folder), 'removed', error);
      }
    },
    localFile: async (path, content) => {
      const where = locate(path);
      await requireThere(path);
      const fetch = (temporary: string) =>
        withObject(path, readFailure, (object) => readIntoFile(object, content.bytes, temporary));
      try {
        return await copies.file(path, content, fetch);
      } catch (error) {
        if (!(error instanceof OtherContent)) throw error;
        const { bytes, sha256 } = error.found;
        throw sha256 === null || bytes !== content.bytes
          ? notAsWritten(where, `${content.bytes} bytes`, String(bytes), error)
          : notAsWritten(where, `SHA-256 ${content.sha256}`, sha256, error);
      }
    },
    locate,
    ready: async () => {
      await probe();
      // What was removed from the store by another machine does not stay on this one.
      await inLanes(askedAtOnce, await copies.paths(), async (path) => {
        if (!(await exists(path))) await copies.drop(path);
      });
    },
  };
}

const notAsWritten = (where: string, expected: string, found: string, cause: unknown) =>
  new ContrailError(
    'CorruptArtifact',
    `${where} is damaged: expected ${expected}, found ${found}. Restore it from a copy, or remove it and do again what made it.`,
    { cause },
  );

const readingWhole = (where: string, error: unknown) =>
  error instanceof WrongDigest
    ? notAsWritten(where, `SHA-256 ${error.expected}`, error.found, error)
    : readFailure(where, error);
