import { type ArtifactRef, type SplitName, splitOf as splitOfSet } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import {
  type DuplicateKind,
  duplicateKinds,
  inspectionAboutSchema,
  inspectionFile,
  inspectionSchema,
  leaksFile,
} from '../../contracts/inspection.ts';
import { describeDataset } from '../../datasets/index.ts';
import {
  bytesOf,
  decodeSafetensors,
  float32,
  int32,
  readAbout,
  readArtifact,
  readArtifactFile,
  readArtifactJson,
  type Store,
  type StoredTensor,
} from '../../store/index.ts';
import { type Found, surestIn } from './duplicates.ts';
import type { Part } from './looks.ts';

/** An image that is not trained on and has a duplicate among those that are. */
export interface Leak {
  /** The surest kind by which it has one. */
  readonly kind: DuplicateKind;
  /** The row of the training split that is most like it by that kind. */
  readonly trainRow: number;
  readonly likeness: number;
}

/** What an inspection says of one split, by row. */
export interface InspectedLeaks {
  readonly leaks: ReadonlyMap<number, Leak>;
  /** The kinds of duplicates that it looked for. */
  readonly kinds: readonly DuplicateKind[];
  /** Whether it looked at some of the images only, of this split or of those that are trained on. */
  readonly partly: boolean;
}

/** Every image with a duplicate in the training split, by its split and row; images are in the order of the parts and their rows. */
function leaksOf(found: Found, parts: readonly Pick<Part, 'split' | 'rows'>[]) {
  const train = parts.findIndex(({ split }) => split === 'train');
  const trainStart = parts.slice(0, train).reduce((sum, { rows }) => sum + rows.length, 0);
  const trainRows = parts[train]?.rows ?? new Int32Array();
  let first = 0;
  return parts.flatMap(({ split, rows }, part) => {
    const start = first;
    first += rows.length;
    if (part === train || train < 0) return [];
    const leaks: (Leak & { readonly row: number })[] = [];
    for (let image = start; image < start + rows.length; image++) {
      const surest = surestIn(found, image, train);
      if (!surest) continue;
      const { kind, partners } = surest;
      leaks.push({
        row: rows[image - start] as number,
        kind,
        trainRow: trainRows[(partners.partner[train]?.[image] as number) - trainStart] as number,
        likeness: partners.likeness[train]?.[image] as number,
      });
    }
    return [{ split, leaks }];
  });
}

/** The tensors of `leaks.safetensors`, of every split that is not trained on. */
export function leakTensors(found: Found, parts: readonly Pick<Part, 'split' | 'rows'>[]): StoredTensor[] {
  return leaksOf(found, parts).flatMap(({ split, leaks }) => {
    const shape = [leaks.length];
    const ints = (name: string, of: (leak: (typeof leaks)[number]) => number): StoredTensor => ({
      name: `${split}.${name}`,
      dtype: 'I32',
      shape,
      data: bytesOf(Int32Array.from(leaks, of)),
    });
    return [
      ints('rows', ({ row }) => row),
      ints('kinds', ({ kind }) => duplicateKinds.indexOf(kind)),
      ints('trainRows', ({ trainRow }) => trainRow),
      {
        name: `${split}.likeness`,
        dtype: 'F32',
        shape,
        data: bytesOf(Float32Array.from(leaks, ({ likeness }) => likeness)),
      },
    ];
  });
}

/**
 * The leaks of a split, as an inspection found them.
 *
 * @throws ContrailError InvalidInput where it is of another data set, or of a version that kept no list
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function inspectedLeaks(
  store: Store,
  inspection: ArtifactRef,
  dataset: ArtifactRef,
  split: SplitName,
): Promise<InspectedLeaks> {
  const about = await readAbout(store, inspection, inspectionAboutSchema);
  if (about.dataset.digest !== dataset.digest)
    throw new ContrailError(
      'InvalidInput',
      `The inspection is of the data set ${about.dataset.digest}, and what is measured is ${dataset.digest}. Name an inspection of the same data set: \`inspection: \${steps.<id>.result.inspection}\`.`,
    );
  const { files } = await readArtifact(store, inspection);
  if (!files.some(({ path }) => path === leaksFile))
    throw new ContrailError(
      'InvalidInput',
      'The inspection is of an earlier version of Contrail, which kept no list of the images that leak. Inspect the data set again.',
    );
  const { images } = await readArtifactJson(store, inspection, inspectionFile, inspectionSchema);
  const set = await describeDataset(store, dataset);
  const isPart = (name: SplitName) =>
    (images.find((each) => each.split === name)?.images ?? 0) < splitOfSet(set, name).count;
  const { tensors } = decodeSafetensors(await readArtifactFile(store, inspection, leaksFile), leaksFile);
  return {
    leaks: leaksIn(tensors, split, { count: splitOfSet(set, split).count, trained: set.splits.train.count }),
    kinds: duplicateKinds.filter((kind) => kind !== 'embedding' || about.encoder !== undefined),
    partly: isPart(split) || isPart('train'),
  };
}

/** @throws ContrailError CorruptArtifact where a row or a kind is none */
function leaksIn(
  tensors: ReadonlyMap<string, StoredTensor>,
  split: SplitName,
  { count, trained }: { readonly count: number; readonly trained: number },
): ReadonlyMap<number, Leak> {
  const [rows, kinds, trainRows, likeness] = ['rows', 'kinds', 'trainRows', 'likeness'].map((name) =>
    tensors.get(`${split}.${name}`),
  );
  // A split without images, or a set without training images, has no leaks.
  if (!rows || !kinds || !trainRows || !likeness) return new Map();
  const [ofKind, ofTrain, likenesses] = [int32(kinds), int32(trainRows), float32(likeness)];
  const isRow = (row: number | undefined, below: number): row is number => row !== undefined && row >= 0 && row < below;
  return new Map(
    Array.from(int32(rows), (row, at): [number, Leak] => {
      const [kind, trainRow, value] = [duplicateKinds[ofKind[at] ?? -1], ofTrain[at], likenesses[at]];
      if (kind === undefined || !isRow(row, count) || !isRow(trainRow, trained) || value === undefined)
        throw new ContrailError('CorruptArtifact', `${leaksFile} names a row of ${split} that is none.`);
      return [row, { kind, trainRow, likeness: value }];
    }),
  );
}
