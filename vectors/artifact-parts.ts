import { open, readFile, stat } from 'node:fs/promises';
import type { ArtifactRef, FileEntry } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { artifactEntry, checked, localArtifactFile, type Store, unreadable } from '../store/index.ts';
import { fileMark } from './file-mark.ts';

/** A file of an artifact of which single parts are wanted. */
export interface ArtifactParts {
  /** Part `at`; null for a part of no bytes. @throws ContrailError CorruptArtifact, StoreUnreadable */
  readonly part: (at: number) => Promise<Uint8Array | null>;
}

/**
 * Reads parts of an artifact's file. The file is read whole once, when its first part is wanted, and its digest checked; from then
 * on only where its parts end is in memory, and each is read from its place. A file that has changed since is read whole again.
 *
 * @param endsOf where each part ends, of the file's bytes; the first begins at `start`
 */
export function artifactParts(
  store: Store,
  ref: ArtifactRef,
  name: string,
  endsOf: (bytes: Uint8Array) => { readonly start: number; readonly ends: ArrayLike<number> },
): ArtifactParts {
  let layout: Promise<Layout> | undefined;
  const layoutOf = () => {
    // An error may pass, as one of a share does, so it is not kept.
    layout ??= readLayout().catch((error: unknown) => {
      layout = undefined;
      throw error;
    });
    return layout;
  };
  const readLayout = async (): Promise<Layout> => {
    const entry = await artifactEntry(store, ref, name);
    const file = await localArtifactFile(store, ref, entry);
    // What is written while it is read has another mark afterwards.
    const mark = await markOf(file);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
    return { entry, mark, ...endsOf(checked(store, ref, entry, bytes)) };
  };
  return {
    part: async (at) => {
      for (;;) {
        const own = layoutOf();
        const { entry, mark, start, ends } = await own;
        const [from, to] = [at === 0 ? start : (ends[at - 1] ?? start), ends[at]];
        if (to === undefined || to < from || to > entry.bytes)
          throw new ContrailError('CorruptArtifact', `${name} of the ${ref.kind} ${ref.digest} has no part ${at}.`);
        if (to === from) return null;
        const bytes = await readRange(await localArtifactFile(store, ref, entry), mark, from, to);
        if (bytes) return bytes;
        if (layout === own) layout = undefined;
      }
    },
  };
}

interface Layout {
  readonly entry: FileEntry;
  /** Of the file whose digest was checked. */
  readonly mark: string;
  readonly start: number;
  readonly ends: ArrayLike<number>;
}

async function markOf(where: string): Promise<string> {
  try {
    return fileMark(await stat(where));
  } catch (cause) {
    throw unreadable(where, cause);
  }
}

/** Null where the file is another than the one of that mark. */
async function readRange(where: string, mark: string, from: number, to: number): Promise<Uint8Array | null> {
  try {
    const file = await open(where);
    try {
      const bytes = new Uint8Array(to - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      return bytesRead === bytes.length && fileMark(await file.stat()) === mark ? bytes : null;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(where, cause);
  }
}
