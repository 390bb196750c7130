import type { ImagesToEmbed } from '../../contracts/kinds/embed-images.ts';
import { inspectFiles } from '../folder/inspect.ts';
import { columnsOf } from '../table/columns.ts';
import { requireFetched } from '../table/fetch/index.ts';
import { findImages } from '../table/find-images.ts';
import type { LocatedFile } from '../table/locate.ts';
import type { ImageRow, TableRow } from '../table/row.ts';
import { findTable, placeOf } from '../table/table-file.ts';
import { readRowsAside } from '../table/thread/index.ts';
import type { ImageListing, ListedImage, ListingOptions } from './listing.ts';

/** Lists the images of a table, whose label column may be absent. */
export async function listTable(
  { path, columns, allowUrls = false, labels: wanted }: ImagesToEmbed,
  options: ListingOptions,
): Promise<ImageListing> {
  const file = await findTable(path);
  const { label, ...others } = columns ?? {};
  const { rows } = await readRowsAside(
    {
      file,
      columns: { ...columnsOf(others), split: null },
      allowUrls,
      relabels: null,
      optionalLabel: wanted === 'none' ? null : { name: label ?? 'label', needed: label !== undefined },
    },
    options.signal,
  );
  const wantedRows = rows.filter((row): row is TableRow & ImageRow => row.is === 'image');
  const rejected = rows.flatMap((row) =>
    row.is === 'rejected' ? [{ name: row.name || placeOf(file, row.line), reason: row.reason }] : [],
  );
  const found = await findImages(file.root, wantedRows, options);
  const passing = found.flatMap((outcome, at) => {
    const row = wantedRows[at] as TableRow;
    return 'reason' in outcome && outcome.passing
      ? [{ path: row.name, place: placeOf(file, row.line), reason: outcome.reason }]
      : [];
  });
  requireFetched({
    passing,
    rejected: rejected.length + found.filter((each) => 'reason' in each).length,
    maximumRejected: options.maximumRejected ?? Number.POSITIVE_INFINITY,
  });
  const there = found.filter((each): each is LocatedFile => !('reason' in each));
  const inspected = (
    await inspectFiles(
      '',
      there.map((each) => ({ ...each, path: each.at })),
      options,
    )
  ).values();
  const images: ListedImage[] = [];
  for (const [at, { name, label: written, group, category, source }] of wantedRows.entries()) {
    const outcome = found[at];
    const looked = outcome && 'reason' in outcome ? outcome : inspected.next().value;
    if (!outcome || 'reason' in outcome || !looked || 'reason' in looked)
      rejected.push({ name, reason: looked && 'reason' in looked ? looked.reason : 'is not there' });
    else
      images.push({
        name,
        at: outcome.at,
        bytes: outcome.bytes,
        ...(source.is === 'url' ? { fetched: true } : {}),
        source: Buffer.from(looked.digest).toString('hex'),
        ...(written === '' ? {} : { label: written }),
        ...(group === undefined ? {} : { group }),
        ...(category === undefined ? {} : { category }),
      });
  }
  return {
    name: file.name,
    root: file.root,
    images,
    rejected,
    ignored: 0,
    found: images.length + rejected.length,
    labels: images.some((image) => image.label !== undefined) ? 'table' : 'none',
  };
}
