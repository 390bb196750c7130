import { z } from 'zod';
import type { ArtifactManifest, ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type IndexAbout, indexAboutSchema } from '../../contracts/vector-index.ts';
import { type VectorsAbout, vectorsAboutSchema } from '../../contracts/vectors.ts';
import {
  decodeSafetensors,
  embeddedFolder,
  int32,
  listFiles,
  readArtifactFile,
  readArtifactLines,
  type Store,
} from '../../store/index.ts';
import { sourcesOfPiece } from '../sources-of-piece.ts';

/** What of a row tells which image it is of. */
export const imageOfRowSchema = z.object({ name: z.string(), source: z.string() });

/** What of embedded images, or of an index of them, is of an image. */
export interface HeldByVectors {
  /** The files that hold what was computed of it, or show it. What its rows are called stays, as in a data set. */
  readonly files: readonly string[];
  /** What its rows are called. */
  readonly names: readonly string[];
}

/**
 * Looks for an image among embedded images, or in an index of them.
 *
 * @param sources SHA-256 of the image's files, in hexadecimal
 * @throws ContrailError CorruptArtifact
 */
export async function heldByVectors(
  store: Store,
  ref: ArtifactRef,
  manifest: ArtifactManifest,
  sources: ReadonlySet<string>,
): Promise<HeldByVectors> {
  const files: string[] = [];
  const names: string[] = [];
  const about = aboutOfEmbedded(ref, manifest);
  for (const { rows, count, vectors, pictures } of about.shards) {
    const lines = await readArtifactLines(store, ref, rows, count);
    await new Promise(setImmediate);
    const own = lines
      .map((line) => imageOfRowSchema.parse(JSON.parse(line)))
      .filter(({ source }) => sources.has(source));
    if (own.length === 0) continue;
    files.push(vectors, ...(pictures === undefined ? [] : [pictures]));
    for (const { name } of own) names.push(name);
  }
  // The graph of an index keeps the vectors of all its rows.
  const graph = 'graph' in about ? about.graph?.file : undefined;
  return { files: files.length > 0 && graph !== undefined ? [...files, graph] : files, names };
}

/** What embedded images, or an index of them, say of themselves. @throws ContrailError CorruptArtifact */
export function aboutOfEmbedded(ref: ArtifactRef, { about }: ArtifactManifest): VectorsAbout | IndexAbout {
  const read = (ref.kind === 'index' ? indexAboutSchema : vectorsAboutSchema).safeParse(about);
  if (read.success) return read.data;
  throw new ContrailError(
    'CorruptArtifact',
    `The ${ref.kind} ${ref.digest} is not as this version of Contrail writes it, so it is not known which images are in it.`,
  );
}

/**
 * Graphs of indexes from which the image was removed before: the rows no longer name it, and the graph may keep its vector. They are found
 * by the index that they were made of, and by what that was made of, as far as these are still there.
 *
 * @param holds whether an index has the image in its rows
 * @throws ContrailError CorruptArtifact
 */
export async function graphsAfterRemoval(
  store: Store,
  known: readonly { readonly ref: ArtifactRef; readonly manifest: Pick<ArtifactManifest, 'about'> }[],
  holds: (index: ArtifactRef) => boolean,
): Promise<readonly { readonly ref: ArtifactRef; readonly file: string }[]> {
  const indexes = new Map(
    known.flatMap(({ ref, manifest: { about } }) => {
      const read = ref.kind === 'index' ? indexAboutSchema.safeParse(about) : undefined;
      return read?.success ? [[ref.digest, { ref, about: read.data }] as const] : [];
    }),
  );
  const heldBefore = (digest: string | undefined): boolean => {
    const before = digest === undefined ? undefined : indexes.get(digest);
    return before !== undefined && (holds(before.ref) || heldBefore(before.about.parent?.digest));
  };
  const found: { ref: ArtifactRef; file: string }[] = [];
  for (const { ref, about } of indexes.values()) {
    const { graph, parent } = about;
    if (!graph || holds(ref) || !heldBefore(parent?.digest)) continue;
    const keys = decodeSafetensors(await readArtifactFile(store, ref, graph.keys), graph.keys).tensors.get('keys');
    // A graph that was built anew has no more vectors than its rows have.
    if (!keys || new Set(int32(keys)).size < graph.nodes) found.push({ ref, file: graph.file });
  }
  return found;
}

/** Embeddings that wait to be gathered, and are those of an image among others. */
export async function waitingEmbeddings(store: Store, sources: ReadonlySet<string>): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { path } of await listFiles(store, embeddedFolder)) {
    if (!path.endsWith('.safetensors')) continue;
    const piece = await sourcesOfPiece(store, path);
    // A damaged one is of no use to anybody, and may hold it.
    if (!piece || piece.some((source) => sources.has(source))) found.push(path);
  }
  return found;
}
