import { open, readFile } from 'node:fs/promises';
import type { ArtifactRef, FileEntry } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { artifactEntry, checked, localArtifactFile, type Store, unreadable } from '../store/index.ts';

/** A file of an artifact of which single parts are wanted. */
export interface ArtifactParts {
  /** Part `at`; null for a part of no bytes. @throws ContrailError CorruptArtifact, StoreUnreadable */
  readonly part: (at: number) => Promise<Uint8Array | null>;
}

/**
 * Reads parts of an artifact's file. The file is read whole once, when its first part is wanted, and its digest checked; from then
 * on only where its parts end is in memory, and each is read from its place.
 *
 * @param endsOf where each part ends, of the file's bytes; the first begins at `start`
 */
export function artifactParts(
  store: Store,
  ref: ArtifactRef,
  name: string,
  endsOf: (bytes: Uint8Array) => { readonly start: number; readonly ends: ArrayLike<number> },
): ArtifactParts {
  interface Layout {
    readonly entry: FileEntry;
    readonly start: number;
    readonly ends: ArrayLike<number>;
  }
  let layout: Promise<Layout> | undefined;
  const readLayout = async (): Promise<Layout> => {
    const entry = await artifactEntry(store, ref, name);
    const file = await localArtifactFile(store, ref, entry);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
    return { entry, ...endsOf(checked(store, ref, entry, bytes)) };
  };
  const layoutOf = () => {
    // An error may pass, as one of a share does, so it is not kept.
    layout ??= readLayout().catch((error: unknown) => {
      layout = undefined;
      throw error;
    });
    return layout;
  };
  return {
    part: async (at) => {
      const { entry, start, ends } = await layoutOf();
      const [from, to] = [at === 0 ? start : (ends[at - 1] ?? start), ends[at]];
      if (to === undefined || to < from)
        throw new ContrailError('CorruptArtifact', `${name} of the ${ref.kind} ${ref.digest} has no part ${at}.`);
      return to === from ? null : readRange(await localArtifactFile(store, ref, entry), from, to);
    },
  };
}

async function readRange(where: string, from: number, to: number): Promise<Uint8Array> {
  try {
    const file = await open(where);
    try {
      const bytes = new Uint8Array(to - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      if (bytesRead < bytes.length)
        throw new ContrailError('CorruptArtifact', `${where} has become shorter since it was opened.`);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(where, cause);
  }
}
