import type { ArtifactRef, DatasetAbout } from '../../contracts/artifacts.ts';
import type { DataReport } from '../../contracts/report.ts';
import { openSplit, rowsByClass, spreadRows } from '../../datasets/index.ts';
import { readArtifact, type Store } from '../../store/index.ts';

/** Bounds of what a page shows of a data set. */
const mostClasses = 20;
const mostImages = 8;
/** Files whose labels are read: a file is checked as a whole. */
const mostBytes = 256 * 2 ** 20;

/**
 * Some training images of each class, spread over it: of the first classes, by the first files of the data set.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function examplesOf(
  store: Store,
  ref: ArtifactRef,
  { classes, splits }: Pick<DatasetAbout, 'classes' | 'splits'>,
): Promise<NonNullable<DataReport['examples']>> {
  const first = await firstRows(store, ref, splits.train.shards);
  if (first === 0) return [];
  const split = await openSplit(store, ref, 'train');
  try {
    const members = rowsByClass(await split.labels(first));
    return [...members]
      .sort(([a], [b]) => a - b)
      .slice(0, mostClasses)
      .map(([label, rows]) => ({
        class: classes[label] ?? String(label),
        rows: Array.from(spreadRows(rows.length, mostImages), (at) => rows[at] as number),
      }));
  } finally {
    await split.close();
  }
}

/** How many rows the first files hold, one at least. */
async function firstRows(
  store: Store,
  ref: ArtifactRef,
  shards: DatasetAbout['splits']['train']['shards'],
): Promise<number> {
  const { files } = await readArtifact(store, ref);
  const sizes = new Map(files.map(({ path, bytes }) => [path, bytes]));
  let rows = 0;
  let read = 0;
  for (const { file, count } of shards) {
    read += sizes.get(file) ?? 0;
    if (rows > 0 && read > mostBytes) break;
    rows += count;
  }
  return rows;
}
