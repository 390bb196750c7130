import { type ArtifactRef, type DatasetAbout, type SplitName, splitOf, splitText } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Selection } from '../contracts/retrieval.ts';
import { someOf } from '../contracts/some-of.ts';
import { visible } from '../contracts/visible-text.ts';
import { readRowFacts } from '../datasets/index.ts';
import type { Store } from '../store/index.ts';
import { asEmbedding, rowsOf } from './embedding.ts';
import type { Labelled, Search } from './gallery.ts';
import type { LabelledFeatures } from './linear-classifier.ts';

/** Images of one split, by their rows in it. */
export interface SelectedRows {
  readonly split: SplitName;
  readonly rows: Int32Array;
}

/** The categories of a split's rows, as `categoriesOf` gives them. */
export type CategoriesIn = (split: SplitName) => ReturnType<typeof categoriesOf>;

/** Reads the categories of each split once. */
export function categoriesOnce(store: Store, dataset: ArtifactRef): CategoriesIn {
  const read = new Map<SplitName, ReturnType<typeof categoriesOf>>();
  return (split) => {
    const own = read.get(split) ?? categoriesOf(store, dataset, split);
    read.set(split, own);
    return own;
  };
}

/** The rows of a selection, ascending; none where no image of the split is of its category. */
export async function selectRows(
  categoriesIn: CategoriesIn,
  { split, category }: Selection,
  count: number,
): Promise<SelectedRows> {
  const all = Int32Array.from({ length: count }, (_, row) => row);
  if (category === undefined) return { split, rows: all };
  const categories = await categoriesIn(split);
  return { split, rows: all.filter((row) => categories?.[row] === category) };
}

/** @throws ContrailError InvalidInput where no image of a split is of a category, that says which there are */
export async function requireCategory(
  categoriesIn: CategoriesIn,
  { split, category = '' }: Selection,
  { rows }: SelectedRows,
): Promise<void> {
  if (rows.length > 0) return;
  const categories = (await categoriesIn(split)) ?? [];
  const known = [...new Set(categories.filter((each) => each !== undefined))].sort().map(visible);
  throw new ContrailError(
    'InvalidInput',
    `No ${splitText(split)} image is of the category ${visible(category)}. ${known.length === 0 ? 'They have no categories: name a column of the table, or give `category` to the writer of the data set' : `There are: ${someOf(known, 20)}`}.`,
  );
}

/** The category of each row of a split, where it has one; null where the data set keeps none. */
async function categoriesOf(
  store: Store,
  dataset: ArtifactRef,
  split: SplitName,
): Promise<readonly (string | undefined)[] | null> {
  const facts = await readRowFacts(store, dataset, split);
  return facts?.some(({ category }) => category !== undefined) ? facts.map(({ category }) => category) : null;
}

/** The images of one selection as queries, those of another as the gallery; an image of both is no answer to itself. */
export function searchOf(
  { query, gallery }: { readonly query: SelectedRows; readonly gallery: SelectedRows },
  featuresOf: (split: SplitName) => LabelledFeatures,
): Search {
  const placeOf = new Map(query.split === gallery.split ? Array.from(gallery.rows, (row, place) => [row, place]) : []);
  return {
    query: labelledRows(featuresOf(query.split), query.rows),
    gallery: labelledRows(featuresOf(gallery.split), gallery.rows),
    ownRows: query.rows.map((row) => placeOf.get(row) ?? -1),
  };
}

const labelledRows = (features: LabelledFeatures, rows: Int32Array): Labelled =>
  rows.length === features.count
    ? asEmbedding(features)
    : {
        ...rowsOf(asEmbedding(features), rows),
        labels: rows.map((row) => features.labels[row] as number),
      };

/**
 * What takes the place of a search where a threshold is chosen for it: validation images, of unseen classes where it searches for
 * such; null where there are none, or where the search itself is no test.
 */
export function validationSearch(
  about: DatasetAbout,
  { query, gallery }: { readonly query: Selection; readonly gallery: Selection },
): { readonly query: Selection; readonly gallery: Selection } | null {
  const has = (split: SplitName) => splitOf(about, split).count > 0;
  if (query.split !== 'test' && query.split !== 'unseenTest') return null;
  const split = query.split === 'unseenTest' && has('unseenValidation') ? 'unseenValidation' : 'validation';
  if (!has(split)) return null;
  return {
    query: { ...query, split },
    gallery: gallery.split === 'train' ? gallery : { ...gallery, split },
  };
}
