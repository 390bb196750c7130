import { z } from 'zod';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { indexAgain } from '../contracts/index-again.ts';
import { jsonBytes } from './digest.ts';
import { artifactFolder, emptiedMark } from './paths.ts';
import { readJson } from './reading.ts';
import type { Store } from './store.ts';

/**
 * Artifacts of which files were removed for good, because an image was forgotten. The manifest stays: what the artifact was, what
 * it was made from, and the digests of its images stay known. Whoever wants one of the files is told why it is gone.
 *
 * E1. The mark is written before the first file is removed, and says which: an interrupted removal can be repeated.
 * E2. Storing the artifact whole again removes the mark.
 */
export const emptiedSchema = z.strictObject({ at: z.iso.datetime(), files: z.array(z.string()) });

const markPath = (ref: ArtifactRef) => `${artifactFolder(ref)}/${emptiedMark}`;

const loadMark = (store: Store, ref: ArtifactRef) =>
  readJson(store, markPath(ref), {
    schema: emptiedSchema,
    what: 'the note on files that were removed',
    remedy: 'Remove it: the files that are missing are then said to be damaged.',
  });

/** Whether a file of an artifact was removed for good. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const isEmptied = async (store: Store, ref: ArtifactRef, file: string): Promise<boolean> =>
  (await loadMark(store, ref))?.files.includes(file) ?? false;

/** When files of an artifact were removed for good; null where none was. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const emptiedAt = async (store: Store, ref: ArtifactRef): Promise<string | null> =>
  (await loadMark(store, ref))?.at ?? null;

/** The files of an artifact that were removed for good. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const emptiedFiles = async (store: Store, ref: ArtifactRef): Promise<readonly string[]> =>
  (await loadMark(store, ref))?.files ?? [];

/** Removes files of an artifact for good. */
export async function emptyArtifact(
  store: Store,
  ref: ArtifactRef,
  { files, at }: { readonly files: readonly string[]; readonly at: string },
): Promise<void> {
  const before = await loadMark(store, ref);
  const all = [...new Set([...(before?.files ?? []), ...files])].sort();
  await store.write(markPath(ref), jsonBytes(emptiedSchema.parse({ at, files: all })));
  for (const file of all) await store.remove(`${artifactFolder(ref)}/${file}`);
}

const becauseForgotten = 'because an image was forgotten';

/** Whether an error says that a file was removed for good; by its message, which is left of it where it passed between processes. */
export const saysForgotten = ({ code, message }: ContrailError): boolean =>
  code === 'CorruptArtifact' && message.includes(becauseForgotten);

/** What is said of a file that an artifact lacks; null where nobody removed files of it. */
export async function removedForGood(store: Store, ref: ArtifactRef, path: string): Promise<ContrailError | null> {
  const at = await emptiedAt(store, ref);
  if (at === null) return null;
  const remedy =
    ref.kind === 'index'
      ? `Build the index again: ${indexAgain()}. Both go on without the image.`
      : ref.kind === 'dataset'
        ? 'It cannot be read again. `contrail retry` of the step that prepared it, or a new run, prepares another one without the image: use that. `embed-images` with `allowLost: true` takes what is left of it.'
        : 'Run the step that made it again: it goes on without the image.';
  return new ContrailError(
    'CorruptArtifact',
    `${store.locate(path)} was removed on ${at.slice(0, 10)}, ${becauseForgotten} that this ${ref.kind} held. ${remedy}`,
  );
}
