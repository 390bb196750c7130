import {
  type ArtifactKind,
  type ArtifactManifest,
  type ArtifactRef,
  artifactManifestSchema,
} from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { digestOf, jsonBytes, parseJson } from './digest.ts';
import type { Content, Store } from './store.ts';

/** The folder of an artifact in the store. */
export const artifactFolder = ({ kind, digest }: ArtifactRef): string => `artifacts/${kind}/${digest}`;

/**
 * Stores an artifact under the SHA-256 of its manifest. The files land first and the manifest last, so an artifact with a
 * manifest is whole; storing the same content again changes nothing.
 *
 * @param files contents are read twice, so pieces must be re-iterable
 */
export async function writeArtifact(
  store: Store,
  artifact: {
    readonly kind: ArtifactKind;
    readonly about: object;
    readonly files: readonly { readonly path: string; readonly content: Content }[];
  },
): Promise<ArtifactRef> {
  const manifest = jsonBytes(
    artifactManifestSchema.parse({
      format: 'contrail-artifact/1',
      kind: artifact.kind,
      about: JSON.parse(JSON.stringify(artifact.about)),
      files: artifact.files.map(({ path, content }) => ({ path, ...digestOf(content) })),
    }),
  );
  const ref = { kind: artifact.kind, digest: digestOf(manifest).sha256 };
  const folder = artifactFolder(ref);
  if (!(await store.exists(`${folder}/manifest.json`))) {
    for (const { path, content } of artifact.files) await store.write(`${folder}/${path}`, content);
    await store.write(`${folder}/manifest.json`, manifest);
  }
  return ref;
}

/**
 * Reads an artifact's manifest.
 *
 * @throws ContrailError CorruptArtifact when it is missing or not the one that the reference names
 */
export async function readArtifact(store: Store, ref: ArtifactRef): Promise<ArtifactManifest> {
  const path = `${artifactFolder(ref)}/manifest.json`;
  const bytes = await store.read(path);
  if (digestOf(bytes).sha256 !== ref.digest) throw damaged(store, path);
  return artifactManifestSchema.parse(parseJson(bytes));
}

/**
 * Reads a file of an artifact and checks its size and SHA-256.
 *
 * @throws ContrailError CorruptArtifact when they are not those of the manifest
 */
export async function readArtifactFile(store: Store, ref: ArtifactRef, path: string): Promise<Uint8Array> {
  const entry = (await readArtifact(store, ref)).files.find((file) => file.path === path);
  if (!entry) throw new ContrailError('CorruptArtifact', `The ${ref.kind} ${ref.digest} has no file ${path}.`);
  const bytes = await store.read(`${artifactFolder(ref)}/${path}`);
  const found = digestOf(bytes);
  if (found.sha256 !== entry.sha256 || found.bytes !== entry.bytes)
    throw damaged(store, `${artifactFolder(ref)}/${path}`);
  return bytes;
}

const damaged = (store: Store, path: string) =>
  new ContrailError(
    'CorruptArtifact',
    `${store.locate(path)} is damaged: its SHA-256 is not the recorded one. Remove its folder and make it again.`,
  );
