import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { jsonBytes } from './digest.ts';
import { collectingFolder } from './paths.ts';
import { listFiles, readJson } from './reading.ts';
import type { Store } from './store.ts';

/**
 * What collections of garbage are about to remove: `collecting/<id>.json`, a file for each collection that goes on.
 *
 * K1. A collection writes here what it may remove, and only then looks once more whether that is needed. Whoever takes up what
 * is there already makes it young first, and only then looks here. So at least one of the two sees the other.
 * K2. A collection writes its file again and again. One that could not do so for a while removes nothing any more; one whose
 * file stays the same for twice that long has ended without saying so, and nobody waits for it.
 */
const beatMs = 15 * 1000;
const heardMs = 5 * 60 * 1000;
const silentMs = 2 * heardMs;

/** What a collection that died left here goes with a later one. */
const leftAfterMs = 60 * 60 * 1000;

const longestPauseMs = 1000;

export const collectionSchema = z.strictObject({
  format: z.literal('contrail-collection/1'),
  /** Another number each time that it is written. */
  beat: z.int(),
  /** Folders of artifacts, and files. */
  condemned: z.array(z.string()),
});

/** A collection that goes on. */
export interface Collection {
  /** When it began, in milliseconds since 1970 by the clock of the store. */
  readonly begun: number;
  /** Says that these may be removed. Durable when it returns. */
  readonly condemn: (paths: readonly string[]) => Promise<void>;
  /** Says that these are not removed, or are gone. */
  readonly spare: (paths: readonly string[]) => void;
  /** @throws ContrailError StoreUnreadable where it could not say for so long that it goes on that nobody waits for it */
  readonly requireHeard: () => void;
  readonly end: () => Promise<void>;
}

/** Says that a collection begins. @throws ContrailError StoreUnreadable */
export async function beginCollection(store: Store): Promise<Collection> {
  const path = `${collectingFolder}/${randomUUID()}.json`;
  const condemned = new Set<string>();
  let beat = 0;
  let heard = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = () => {
    const next = writing.then(async () => {
      const at = Date.now();
      await store.write(
        path,
        jsonBytes({ format: 'contrail-collection/1', beat: beat++, condemned: [...condemned] } satisfies z.infer<
          typeof collectionSchema
        >),
      );
      heard = at;
    });
    // The next is written whatever became of this one.
    writing = next.catch(() => {});
    return next;
  };
  await write();
  const timer = setInterval(() => void write().catch(() => {}), beatMs);
  timer.unref();
  const end = async () => {
    clearInterval(timer);
    await writing;
    await store.remove(path);
  };
  try {
    const files = await listFiles(store, collectingFolder);
    const begun = files.find((file) => file.path === path)?.modifiedMs ?? Date.now();
    for (const file of files) if (begun - file.modifiedMs > leftAfterMs) await store.remove(file.path);
    return {
      begun,
      condemn: (paths) => {
        for (const each of paths) condemned.add(each);
        return write();
      },
      spare: (paths) => {
        for (const each of paths) condemned.delete(each);
      },
      requireHeard: () => {
        if (Date.now() - heard < heardMs) return;
        throw new ContrailError(
          'StoreUnreadable',
          `${store.locate(path)} could not be written for ${heardMs / 60_000} minutes, so nothing more was removed: steps no longer know of this collection. Collect again.`,
        );
      },
      end,
    };
  } catch (error) {
    await end().catch(() => {});
    throw error;
  }
}

/**
 * Waits until no collection is about to remove any of these.
 *
 * @param paths asked for where a collection goes on
 * @returns whether one was
 * @throws ContrailError CorruptArtifact, StoreUnreadable: what cannot be read may name any
 */
export async function untilSpared(store: Store, paths: () => Promise<readonly string[]>): Promise<boolean> {
  const seen = new Map<string, { readonly beat: number; readonly since: number }>();
  let wanted: readonly string[] | undefined;
  for (let pause = 10; ; pause = Math.min(2 * pause, longestPauseMs)) {
    let waits = false;
    for (const { path } of await listFiles(store, collectingFolder)) {
      const collection = await readJson(store, path, {
        schema: collectionSchema,
        what: 'the note of a collection on what it removes',
        remedy: 'Remove it once no `contrail cache gc` goes on.',
      });
      if (!collection || collection.condemned.length === 0) continue;
      wanted ??= await paths();
      const condemned = new Set(collection.condemned);
      if (!wanted.some((each) => condemned.has(each))) continue;
      const before = seen.get(path);
      const isNew = before?.beat !== collection.beat;
      if (isNew) seen.set(path, { beat: collection.beat, since: Date.now() });
      waits ||= isNew || Date.now() - before.since < silentMs;
    }
    if (!waits) return seen.size > 0;
    await sleep(pause);
  }
}
