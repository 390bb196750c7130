import { type ArtifactKind, type ArtifactRef, artifactManifestSchema, type FileEntry } from '../contracts/artifacts.ts';
import { untilSpared } from './collecting.ts';
import { digestOf, hashing, jsonBytes } from './digest.ts';
import { digestOfFile } from './file-digest.ts';
import { requireHeld } from './hold.ts';
import { artifactFolder, emptiedMark, manifestFile, stagingFolder } from './paths.ts';
import type { Content, StagedFile, Store } from './store.ts';

/**
 * Writes an artifact file by file, each hashed while it is written, so that only one needs to be in memory.
 *
 * The files have no name in the store before `finish`; then they land first and the manifest last, so an artifact with a
 * manifest is whole. Storing the same content again reads what is there, renames only what is gone or damaged, and writes the
 * manifest: so doing a step again mends what it made.
 */
export interface ArtifactWriter {
  /** @throws TypeError for a second file of one name, or one named manifest.json or forgotten.json */
  readonly add: (path: string, content: Content | AsyncIterable<Uint8Array>) => Promise<void>;
  /** Takes a file out again, and gives what was in it. */
  readonly take: (path: string) => Promise<Uint8Array>;
  /**
   * The order in which the files were added makes no difference to the reference.
   *
   * @throws ContrailError TakenByCollection where a collection of garbage removed it at the same moment
   */
  readonly finish: (about: object) => Promise<ArtifactRef>;
  /** Removes what was not published; to be called in any case. */
  readonly discard: () => Promise<void>;
}

export function createArtifactWriter(store: Store, kind: ArtifactKind): ArtifactWriter {
  const added = new Map<string, { readonly entry: FileEntry; readonly file: StagedFile }>();
  const remove = async (path: string, file: StagedFile) => {
    added.delete(path);
    await file.discard();
  };
  let swept: Promise<unknown> | undefined;
  return {
    add: async (path, content) => {
      // What writers that were killed have left behind may be as large as a data set.
      swept ??= store.sweep(stagingFolder);
      await swept;
      if (path === manifestFile || path === emptiedMark || added.has(path))
        throw new TypeError(`an artifact cannot hold ${path} besides`);
      const { pieces, digest } = hashing(content);
      const file = await store.stage(pieces);
      added.set(path, { entry: { path, ...digest() }, file });
    },
    take: async (path) => {
      const found = added.get(path);
      if (!found) throw new TypeError(`no file ${path} was added`);
      const content = await found.file.read();
      await remove(path, found.file);
      return content;
    },
    finish: async (about) => {
      const parts = [...added.values()].sort(({ entry: a }, { entry: b }) => (a.path < b.path ? -1 : 1));
      const { manifest, ref } = manifestOf(
        kind,
        about,
        parts.map(({ entry }) => entry),
      );
      const folder = artifactFolder(ref);
      await untilSpared(store, async () => [folder]);
      const present = new Map((await store.list(folder)).map(({ path, bytes }) => [path, bytes]));
      const isPresent = (name: string, bytes: number) => present.get(`${folder}/${name}`) === bytes;
      for (const { entry, file } of parts) {
        const path = `${folder}/${entry.path}`;
        if (isPresent(entry.path, entry.bytes) && (await hasContent(store, path, entry)))
          await remove(entry.path, file);
        else {
          await file.publish(path);
          added.delete(entry.path);
        }
      }
      // Also where it is there: it is young again, so that no collection takes what a step is about to name.
      await store.write(`${folder}/${manifestFile}`, manifest);
      if (present.has(`${folder}/${emptiedMark}`)) await store.remove(`${folder}/${emptiedMark}`);
      await requireHeld(store, { ref, files: parts.map(({ entry }) => entry) });
      return ref;
    },
    discard: async () => {
      for (const [path, { file }] of added) await remove(path, file);
    },
  };
}

/** Whether a file is the one that is expected: a disk may have changed its bytes and left its length. */
async function hasContent(store: Store, path: string, { sha256 }: FileEntry): Promise<boolean> {
  // What cannot be read is written anew, which is never wrong.
  const found = await digestOfFile(store, path).catch(() => null);
  return found?.sha256 === sha256;
}

/** The manifest of an artifact of these files, and the reference that follows from it. */
export function manifestOf(
  kind: ArtifactKind,
  about: object,
  files: readonly FileEntry[],
): { readonly manifest: Uint8Array; readonly ref: ArtifactRef } {
  const manifest = jsonBytes(
    artifactManifestSchema.parse({
      format: 'contrail-artifact/1',
      kind,
      about: JSON.parse(JSON.stringify(about)),
      files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    }),
  );
  return { manifest, ref: { kind, digest: digestOf(manifest).sha256 } };
}
