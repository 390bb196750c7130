import type { ArtifactRef } from '../contracts/artifacts.ts';
import { encoderAboutSchema, trainedOn } from '../contracts/encoder.ts';
import { digestsIfKept, isKnown, keysOf, knownImages, type RowDigests } from '../datasets/index.ts';
import { readAbout, type Store } from '../store/index.ts';
import type { SelectedRows } from './selection.ts';

/** Queries that find a copy, by their place among the rows that are searched for. */
export interface CopiedQueries {
  readonly inGallery: ReadonlySet<number>;
  readonly ofTraining: ReadonlySet<number>;
}

/**
 * Queries whose image is another image of the gallery too, or one that the encoder was trained on: the same file, or another that
 * shows the same once prepared. What a search finds for them says nothing.
 *
 * @returns null where a data set does not tell
 */
export async function copiedQueries(
  store: Store,
  { dataset, encoder }: { readonly dataset: ArtifactRef; readonly encoder: ArtifactRef },
  { query, gallery }: { readonly query: SelectedRows; readonly gallery: SelectedRows },
): Promise<CopiedQueries | null> {
  const asked = await digestsIfKept(store, dataset, query.split);
  const searched = query.split === gallery.split ? asked : await digestsIfKept(store, dataset, gallery.split);
  const datasets = trainedOn(await readAbout(store, encoder, encoderAboutSchema));
  const seen = query.split === 'train' ? new Set<string>() : await knownImages(store, datasets, ['train']);
  if (!asked || !searched || !seen) return null;
  const others = otherThan(asked, searched, { query, gallery });
  const places = Array.from(query.rows.keys());
  return {
    inGallery: new Set(places.filter((place) => others(query.rows[place] as number))),
    ofTraining: new Set(places.filter((place) => isKnown(seen, asked, query.rows[place] as number))),
  };
}

/** Whether a row of the queries' split is, by its content, a row of the gallery other than itself. */
function otherThan(
  asked: RowDigests,
  searched: RowDigests,
  { query, gallery }: { readonly query: SelectedRows; readonly gallery: SelectedRows },
): (row: number) => boolean {
  const counts = new Map<string, number>();
  for (const row of gallery.rows) for (const key of keysOf(searched, row)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const own = new Set(query.split === gallery.split ? gallery.rows : []);
  return (row) => keysOf(asked, row).some((key) => (counts.get(key) ?? 0) > Number(own.has(row)));
}
