import type { z } from 'zod';
import {
  type ArtifactKind,
  type ArtifactManifest,
  type ArtifactRef,
  artifactManifestSchema,
  type FileEntry,
} from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { withArticle } from '../contracts/with-article.ts';
import { createArtifactWriter } from './artifact-writer.ts';
import { digestOf, parseJson } from './digest.ts';
import { removedForGood } from './emptied.ts';
import { artifactFolder, manifestFile } from './paths.ts';
import { damagedFile, decodeJson, isMissing, readIfThere } from './reading.ts';
import type { Content, Store } from './store.ts';

/**
 * Stores an artifact under the SHA-256 of its manifest; see `createArtifactWriter`.
 *
 * @param artifact.files the order makes no difference
 * @throws TypeError for two files of one name, or one named manifest.json
 */
export async function writeArtifact(
  store: Store,
  artifact: {
    readonly kind: ArtifactKind;
    readonly about: object;
    readonly files: readonly { readonly path: string; readonly content: Content }[];
  },
): Promise<ArtifactRef> {
  // What can be read once only cannot be written a second time.
  const isRepeatable = artifact.files.every(({ content }) => ArrayBuffer.isView(content) || Array.isArray(content));
  for (let attempt = 1; ; attempt++) {
    const writer = createArtifactWriter(store, artifact.kind);
    try {
      for (const { path, content } of artifact.files) await writer.add(path, content);
      return await writer.finish(artifact.about);
    } catch (error) {
      const isTaken = isContrailError(error) && error.code === 'TakenByCollection';
      if (!isTaken || !isRepeatable || attempt === mostAttempts) throw error;
    } finally {
      await writer.discard();
    }
  }
}

/** Each needs another collection at the very moment. */
const mostAttempts = 5;

/**
 * Reads an artifact's manifest.
 *
 * @throws ContrailError CorruptArtifact when it is missing or not the one that the reference names, StoreUnreadable
 */
export async function readArtifact(store: Store, ref: ArtifactRef): Promise<ArtifactManifest> {
  const path = `${artifactFolder(ref)}/${manifestFile}`;
  const bytes = await readPart(store, ref, path);
  const { sha256 } = digestOf(bytes);
  if (sha256 !== ref.digest) throw damaged(store, ref, path, `SHA-256 ${ref.digest}`, sha256);
  const what = `the manifest of a ${ref.kind} in the format contrail-artifact/1`;
  const remedy = `Another version of Contrail wrote it; make the ${ref.kind} again.`;
  const manifest = decodeJson(store, path, bytes, { schema: artifactManifestSchema, what, remedy });
  if (manifest.kind !== ref.kind) throw damagedFile(store.locate(path), what, remedy);
  return manifest;
}

/**
 * Reads what an artifact's manifest says about it, in the form that its kind has.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function readAbout<T>(store: Store, ref: ArtifactRef, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse((await readArtifact(store, ref)).about);
  if (parsed.success) return parsed.data;
  throw ofAnotherVersion(store, ref, manifestFile, parsed.error);
}

/**
 * Reads a JSON file of an artifact and checks its size, SHA-256 and form.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function readArtifactJson<T>(
  store: Store,
  ref: ArtifactRef,
  name: string,
  schema: z.ZodType<T>,
): Promise<T> {
  const bytes = await readArtifactFile(store, ref, name);
  try {
    return schema.parse(parseJson(bytes));
  } catch (cause) {
    throw ofAnotherVersion(store, ref, name, cause);
  }
}

const ofAnotherVersion = (store: Store, ref: ArtifactRef, name: string, cause: unknown) =>
  new ContrailError(
    'CorruptArtifact',
    `${store.locate(`${artifactFolder(ref)}/${name}`)} is not that of ${withArticle(ref.kind)} as this version of Contrail writes it. Run the step that made it again, in a new run.`,
    { cause },
  );

/**
 * Reads a file of an artifact and checks its size and SHA-256.
 *
 * @throws ContrailError CorruptArtifact when it is missing, or they are not those of the manifest; StoreUnreadable
 */
export async function readArtifactFile(store: Store, ref: ArtifactRef, name: string): Promise<Uint8Array> {
  return readEntry(store, ref, await artifactEntry(store, ref, name));
}

/** What an artifact's manifest says of a file. @throws ContrailError CorruptArtifact where it names none such; StoreUnreadable */
export async function artifactEntry(store: Store, ref: ArtifactRef, name: string): Promise<FileEntry> {
  const { files } = await readArtifact(store, ref);
  const entry = files.find(({ path }) => path === name);
  if (entry) return entry;
  throw new ContrailError(
    'CorruptArtifact',
    `The ${ref.kind} ${ref.digest} has no file ${name}, only ${files.map(({ path }) => path).join(', ')}.`,
  );
}

/** The lines of a file of an artifact, one a row. @throws ContrailError CorruptArtifact where they are not so many; StoreUnreadable */
export async function readArtifactLines(
  store: Store,
  ref: ArtifactRef,
  name: string,
  count: number,
): Promise<readonly string[]> {
  const lines = new TextDecoder()
    .decode(await readArtifactFile(store, ref, name))
    .split('\n')
    .slice(0, -1);
  if (lines.length === count) return lines;
  throw new ContrailError('CorruptArtifact', `${name} has ${times(lines.length, 'line')} for ${times(count, 'row')}.`);
}

/** Reads a file by its entry in the manifest. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function readEntry(store: Store, ref: ArtifactRef, entry: FileEntry): Promise<Uint8Array> {
  const path = `${artifactFolder(ref)}/${entry.path}`;
  return checked(store, ref, entry, await readPart(store, ref, path));
}

/** Checks that bytes are those of an entry of the manifest, wherever they were read. @throws ContrailError CorruptArtifact */
export function checked(store: Store, ref: ArtifactRef, entry: FileEntry, bytes: Uint8Array): Uint8Array {
  const path = `${artifactFolder(ref)}/${entry.path}`;
  if (bytes.byteLength !== entry.bytes)
    throw damaged(store, ref, path, `${entry.bytes} bytes`, String(bytes.byteLength));
  const { sha256 } = digestOf(bytes);
  if (sha256 !== entry.sha256) throw damaged(store, ref, path, `SHA-256 ${entry.sha256}`, sha256);
  return bytes;
}

async function readPart(store: Store, ref: ArtifactRef, path: string): Promise<Uint8Array> {
  const bytes = await readIfThere(store, path);
  if (bytes === null) throw await missingPart(store, ref, path);
  return bytes;
}

/**
 * A file of an artifact on this machine, by its entry in the manifest. Where the store is a folder of this machine, what is in it is
 * not checked.
 *
 * @throws ContrailError CorruptArtifact that says why it is gone, StoreUnreadable
 */
export async function localArtifactFile(store: Store, ref: ArtifactRef, entry: FileEntry): Promise<string> {
  const path = `${artifactFolder(ref)}/${entry.path}`;
  try {
    return await store.localFile(path, entry);
  } catch (error) {
    throw isMissing(error) ? await missingPart(store, ref, path) : error;
  }
}

/** What is said of a file that an artifact lacks. @param remedy where nobody removed it for good */
export const missingPart = async (
  store: Store,
  ref: ArtifactRef,
  path: string,
  remedy = madeAgain(ref),
): Promise<ContrailError> =>
  (await removedForGood(store, ref, path)) ?? damaged(store, ref, path, 'a file', 'none', remedy);

const madeAgain = ({ kind }: ArtifactRef) =>
  `\`contrail resume <run>\` makes this ${kind} again where the run has a step for it; \`contrail store check\` names one that has.`;

/** What is said of a file of an artifact that is not what its manifest says. */
export function damaged(
  store: Store,
  ref: ArtifactRef,
  path: string,
  expected: string,
  found: string,
  remedy = madeAgain(ref),
): ContrailError {
  return new ContrailError(
    'CorruptArtifact',
    `${store.locate(path)} is damaged: expected ${expected}, found ${found}. ${remedy}`.trim(),
  );
}
