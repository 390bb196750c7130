import { Index, MetricKind, ScalarKind } from 'usearch';
import { ContrailError } from '../../contracts/errors.ts';
import { indexAgain } from '../../contracts/index-again.ts';
import type { IndexAbout, IndexSettings, Quantization } from '../../contracts/vector-index.ts';

/**
 * A graph of near vectors (HNSW; Malkov and Yashunin, arXiv:1603.09320), by USearch. Vectors are of unit length, so the product is the
 * cosine similarity. Built by one thread, equal vectors in equal order give a file of equal bytes: the draw of a vector's level has
 * a fixed seed.
 */
export type Graph = Index;

type Shape = Pick<IndexSettings, 'connectivity' | 'expansionAdd' | 'quantization'> & Pick<IndexAbout, 'dimension'>;

const kinds: Readonly<Record<Quantization, ScalarKind>> = {
  f32: ScalarKind.F32,
  f16: ScalarKind.F16,
  i8: ScalarKind.I8,
};

export const emptyGraph = (
  { dimension, connectivity, expansionAdd, quantization }: Shape,
  expansionSearch: number,
): Graph =>
  new Index({
    dimensions: dimension,
    metric: MetricKind.IP,
    quantization: kinds[quantization],
    connectivity,
    expansion_add: expansionAdd,
    expansion_search: expansionSearch,
    multi: false,
  });

/** The graph of a file, in memory, to be changed. @throws ContrailError CorruptArtifact */
export function loadGraph(path: string, shape: Shape, expansionSearch: number): Graph {
  const graph = emptyGraph(shape, expansionSearch);
  understood(() => graph.load(path));
  return graph;
}

/** The graph of a file, mapped into memory, to be searched: processes that look at one file share its pages. */
export function viewGraph(path: string, shape: Shape, expansionSearch: number): Graph {
  const graph = emptyGraph(shape, expansionSearch);
  understood(() => graph.view(path));
  return graph;
}

/** The digest of the file is right, so another version of USearch wrote it, or it is of another shape. @throws ContrailError CorruptArtifact */
function understood(read: () => void): void {
  try {
    read();
  } catch (cause) {
    throw new ContrailError(
      'CorruptArtifact',
      `The graph of the index cannot be read (${cause instanceof Error ? cause.message : String(cause)}). Build the index again: ${indexAgain()}.`,
      { cause },
    );
  }
}

export const graphKeys = (keys: ArrayLike<number>): BigUint64Array =>
  BigUint64Array.from({ length: keys.length }, (_, at) => BigInt(keys[at] as number));
