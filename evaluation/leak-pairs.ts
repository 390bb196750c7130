import type { ArtifactRef } from '../contracts/artifacts.ts';
import { type DuplicatePair, duplicateKinds } from '../contracts/inspection.ts';
import { digestsIfKept, keysOf } from '../datasets/index.ts';
import type { Store } from '../store/index.ts';
import type { InspectedLeaks } from './inspection/leaks.ts';
import { namesOf } from './inspection/names.ts';
import type { Leaks } from './leaks.ts';

/** Pairs of each kind that an evaluation keeps for people to see. */
const mostPairs = 24;

/**
 * Test images that leak, each with the training image of the data set that it shows: of each kind the most alike first. Copies of images of
 * another data set, that an encoder was trained on, are not among them.
 *
 * @param labels of each row of the test split and of the training split
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function leakPairs(
  store: Store,
  dataset: ArtifactRef,
  leaks: Leaks,
  inspected: InspectedLeaks | null,
  labels: { readonly test: Int32Array; readonly train: Int32Array },
): Promise<DuplicatePair[]> {
  const rows = [...labels.test.keys()].filter((row) => leaks.kindOf(row) !== null);
  if (rows.length === 0) return [];
  const copiedFrom = await trainRowsOf(
    store,
    dataset,
    rows.filter((row) => leaks.kindOf(row) === 'exact' && inspected?.leaks.get(row)?.kind !== 'exact'),
  );
  const found = rows.flatMap((row) => {
    const kind = leaks.kindOf(row);
    const own = inspected?.leaks.get(row);
    // An exact copy of another file may be a near duplicate of a further image.
    const leak = own?.kind === kind ? own : undefined;
    const trainRow = leak?.trainRow ?? copiedFrom.get(row);
    return kind === null || trainRow === undefined ? [] : [{ kind, row, trainRow, likeness: leak?.likeness ?? 1 }];
  });
  const shown = duplicateKinds.flatMap((wanted) =>
    found
      .filter(({ kind }) => kind === wanted)
      .sort((x, y) => y.likeness - x.likeness || x.row - y.row)
      .slice(0, mostPairs),
  );
  const nameOf = await namesOf(store, dataset, [
    { split: 'test', rows: Int32Array.from(shown, ({ row }) => row) },
    { split: 'train', rows: Int32Array.from(shown, ({ trainRow }) => trainRow) },
  ]);
  return shown.map(({ kind, likeness, row, trainRow }, at) => ({
    kind,
    likeness,
    a: { ...nameOf(at), label: labels.test[row] as number },
    b: { ...nameOf(shown.length + at), label: labels.train[trainRow] as number },
  }));
}

/** The first training image that is an exact copy of each of some test images, where there is one. */
async function trainRowsOf(
  store: Store,
  dataset: ArtifactRef,
  rows: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (rows.length === 0) return new Map();
  const [test, train] = [await digestsIfKept(store, dataset, 'test'), await digestsIfKept(store, dataset, 'train')];
  if (!test || !train) return new Map();
  const wanted = new Set(rows.flatMap((row) => keysOf(test, row)));
  const firstOf = new Map<string, number>();
  for (const row of train.source.keys())
    for (const key of keysOf(train, row)) if (wanted.has(key) && !firstOf.has(key)) firstOf.set(key, row);
  return new Map(
    rows.flatMap((row) => {
      const places = keysOf(test, row).flatMap((key) => firstOf.get(key) ?? []);
      return places.length === 0 ? [] : [[row, Math.min(...places)] as const];
    }),
  );
}
