import { z } from 'zod';
import type { ArtifactManifest, ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
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

const rowSchema = z.object({ source: z.string() });

/**
 * The files of embedded images, or of an index of them, that hold what was computed of an image, or show it. What its rows are
 * called stays, as in a data set.
 *
 * @param sources SHA-256 of the image's files, in hexadecimal
 * @throws ContrailError CorruptArtifact
 */
export async function vectorsHolding(
  store: Store,
  ref: ArtifactRef,
  { about }: ArtifactManifest,
  sources: ReadonlySet<string>,
): Promise<readonly string[]> {
  const isIndex = ref.kind === 'index';
  const read = (isIndex ? indexAboutSchema : vectorsAboutSchema).safeParse(about);
  if (!read.success)
    throw new ContrailError(
      'CorruptArtifact',
      `The ${ref.kind} ${ref.digest} is not as this version of Contrail writes it, so it is not known which images are in it.`,
    );
  const holding: string[] = [];
  for (const { rows, count, vectors, pictures } of read.data.shards) {
    const lines = await readArtifactLines(store, ref, rows, count);
    await new Promise(setImmediate);
    if (lines.some((line) => sources.has(rowSchema.parse(JSON.parse(line)).source)))
      holding.push(vectors, ...(pictures === undefined ? [] : [pictures]));
  }
  // The graph of an index keeps the vectors of all its rows.
  const graph = 'graph' in read.data ? read.data.graph?.file : undefined;
  return holding.length > 0 && graph !== undefined ? [...holding, graph] : holding;
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
