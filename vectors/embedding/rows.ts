import { type ArtifactRef, type SplitName, splitNames, splitOf } from '../../contracts/artifacts.ts';
import type { ImageToEmbed, KnownRow, RejectedName } from '../../contracts/embedding.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { EmbedImagesParameters, EmbedImagesResult } from '../../contracts/kinds/embed-images.ts';
import { describeDataset, type ListingOptions, listImages, openSplit } from '../../datasets/index.ts';
import { emptiedFiles, type Store } from '../../store/index.ts';
import { openSplitRows } from './split-rows.ts';

/** A row of the result, and where its image is. */
export interface RowToEmbed {
  readonly row: KnownRow;
  readonly from: ImageToEmbed['from'];
}

/** All that is to be embedded, in the order of the result. */
export interface RowsToEmbed extends Pick<EmbedImagesResult, 'found' | 'ignored' | 'labels'> {
  readonly rows: readonly RowToEmbed[];
  readonly rejected: readonly RejectedName[];
  /** What they are called together. */
  readonly name: string;
  /** The folder that the files are in. */
  readonly root?: string;
}

/** Finds the images of a folder, a table, or splits of a data set. @throws ContrailError InvalidDataset, InvalidInput */
export async function rowsToEmbed(
  store: Store,
  dataset: ArtifactRef | undefined,
  { images, splits, maximumRejected, allowLost = false }: EmbedImagesParameters,
  options: ListingOptions,
): Promise<RowsToEmbed> {
  if (images) {
    const listing = await listImages(images, { ...options, maximumRejected });
    const { rejected, ignored, found, labels, root, name } = listing;
    const rows = listing.images.map(({ name, source, label, group, category, at, bytes, fetched }) => ({
      row: { name, source, label, group, category },
      from: { file: at, bytes, ...(fetched ? { fetched } : {}) },
    }));
    return { rows, rejected, ignored, found, labels, root, name };
  }
  if (!dataset || !splits)
    throw new ContrailError('InvalidInput', 'There is neither a folder nor a data set to embed.');
  const { name } = await describeDataset(store, dataset);
  const lost = new Set(allowLost ? await emptiedFiles(store, dataset) : []);
  const rows: RowToEmbed[] = [];
  const rejected: RejectedName[] = [];
  for (const split of splitNames.filter((each) => splits.includes(each)))
    for (const { isLost, ...row } of await rowsOfSplit(store, dataset, split, lost)) {
      if (isLost) rejected.push({ name: row.row.name, reason: lostReason });
      else rows.push(row);
    }
  return { rows, rejected, ignored: 0, found: rows.length + rejected.length, labels: 'dataset', name };
}

const lostReason = 'its file was removed, because an image was forgotten that this held';

async function rowsOfSplit(
  store: Store,
  dataset: ArtifactRef,
  split: SplitName,
  lost: ReadonlySet<string>,
): Promise<(RowToEmbed & { readonly isLost: boolean })[]> {
  const about = await describeDataset(store, dataset);
  if (splitOf(about, split).count === 0) return [];
  const rowOf = await openSplitRows(store, dataset, split);
  const open = await openSplit(store, dataset, split);
  try {
    return Array.from(await open.labels(undefined, lost), (label, row) => {
      const { source, ...known } = rowOf(row, label);
      if (source === null)
        throw new ContrailError(
          'InvalidInput',
          `The data set ${about.name} does not say what its images were made from: an earlier version prepared it. Prepare it again.`,
        );
      return { row: { ...known, source }, from: { split, row }, isLost: label < 0 };
    });
  } finally {
    await open.close();
  }
}
