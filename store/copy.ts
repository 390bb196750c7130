import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import type { ByteProgress } from './check.ts';
import { digestOf } from './digest.ts';
import { piecesOfFile } from './file-digest.ts';
import { storeFile } from './identity.ts';
import { inLanes } from './in-lanes.ts';
import { collectingFolder, emptiedMark, manifestFile, stagingFolder } from './paths.ts';
import { readJson } from './reading.ts';
import type { Store, StoredFile } from './store.ts';

/** Files under way at a time; of a large one a piece is in memory. */
const filesAtOnce = 8;

/** What a copy did. */
export interface StoreCopy {
  readonly copied: number;
  /** Files that were there already. */
  readonly kept: number;
  readonly bytes: number;
}

/**
 * Copies a store into another. It can be interrupted and repeated: what is there whole is not copied again.
 *
 * Y1. Files come before the manifests that name them, and manifests before what names those, so what is there is whole at any moment.
 * Y2. Which store it is comes last: a copy that is not complete is no store that a run would be started in.
 *
 * @throws ContrailError InvalidInput where the other is a store of its own, CorruptArtifact, StoreUnreadable
 */
export async function copyStore(
  from: Store,
  to: Store,
  {
    onProgress = () => {},
    signal,
  }: { readonly onProgress?: (at: ByteProgress) => void; readonly signal?: AbortSignal } = {},
): Promise<StoreCopy> {
  await requireSame(from, to);
  await to.ready();
  const files = (await from.everything()).filter(
    ({ path }) => !path.startsWith(`${stagingFolder}/`) && !path.startsWith(`${collectingFolder}/`),
  );
  const there = new Map((await to.everything()).map(({ path, bytes }) => [path, bytes]));
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const result = { copied: 0, kept: 0, bytes: 0 };
  let done = 0;
  for (const turn of [0, 1, 2, 3]) {
    const ofTurn = files.filter(({ path }) => turnOf(path) === turn);
    await inLanes(filesAtOnce, ofTurn, async (file) => {
      signal?.throwIfAborted();
      if (await isThere(from, to, file, there)) result.kept++;
      else {
        await copyFile(from, to, file);
        result.copied++;
        result.bytes += file.bytes;
      }
      done += file.bytes;
      onProgress({ phase: 'Copying', done, total });
    });
  }
  return result;
}

/** Written once under their names, whatever is in them. */
const isImmutable = (path: string) =>
  path.startsWith('artifacts/') ||
  /\/checkpoints\/[^/]+\/(state\.safetensors|manifest\.json)$/.test(path) ||
  /\/pieces\//.test(path);

function turnOf(path: string): number {
  if (path === storeFile) return 3;
  if (path.endsWith(`/${manifestFile}`)) return 1;
  return isImmutable(path) ? 0 : 2;
}

async function isThere(
  from: Store,
  to: Store,
  { path, bytes }: StoredFile,
  there: ReadonlyMap<string, number>,
): Promise<boolean> {
  if (there.get(path) !== bytes) return false;
  if (isImmutable(path) && !path.endsWith(`/${emptiedMark}`)) return true;
  const [a, b] = await Promise.all([from.read(path), to.read(path)]);
  return digestOf(a).sha256 === digestOf(b).sha256;
}

async function copyFile(from: Store, to: Store, { path, bytes }: StoredFile): Promise<void> {
  const wrong = (found: number) =>
    new ContrailError(
      'StoreUnreadable',
      `${from.locate(path)} changed while it was copied: it had ${bytes} bytes and has ${found}. Stop the workers of this store, then copy again.`,
    );
  let count = 0;
  const counted = async function* () {
    for await (const piece of piecesOfFile(from, path)) {
      count += piece.length;
      yield piece;
    }
    if (count !== bytes) throw wrong(count);
  };
  await to.write(path, counted());
}

/** A store has an identity that moves with its files. One with another is somebody's. */
async function requireSame(from: Store, to: Store): Promise<void> {
  const [own, other] = await Promise.all([from, to].map(idOf));
  if (other === null || own === other) return;
  throw new ContrailError(
    'InvalidInput',
    `${to.locate(storeFile)} says that there is another store already. Copy into an empty folder or prefix.`,
  );
}

const idOf = async (store: Store): Promise<string | null> =>
  (
    await readJson(store, storeFile, {
      schema: z.object({ id: z.uuid() }),
      what: 'the identity of a store',
      remedy: 'Take it from a backup.',
    })
  )?.id ?? null;
