import { type Confusion, confusedPairs } from '../../contracts/confusion.ts';
import type { Inspection } from '../../contracts/inspection.ts';
import { likeness } from '../../datasets/folder/class-names.ts';
import { rowsByClass } from '../../datasets/index.ts';
import type { Embedding } from '../embedding.ts';
import { perClassMetrics } from '../metrics/classification.ts';
import { median } from '../metrics/statistics.ts';

/** Two classes may be one where at least this share of their images, and at least so many, is taken for the other. */
const [leastShare, leastConfused] = [0.2, 5];
const mostPairs = 100;
const mostSmall = 100;
/** A class is small below this share of the median. */
const smallShare = 0.1;

/** What two names of one thing have in common: a person also writes hyphens, spaces and plurals differently. */
const kindOfName = (name: string): string => {
  const letters = likeness(name).replaceAll(/[^\p{L}\p{N}]/gu, '');
  return letters === '' ? likeness(name) : letters.replace(/(?<=\p{L}{2})s$/u, '');
};

interface ClassPair {
  readonly a: number;
  readonly b: number;
}

/** Classes whose names are those of one thing. */
export function namesAlike(names: readonly string[]): readonly ClassPair[] {
  const firsts = new Map<string, number>();
  return names.flatMap((name, b) => {
    const key = kindOfName(name);
    const a = firsts.get(key);
    if (a === undefined) firsts.set(key, b);
    return a === undefined ? [] : [{ a, b }];
  });
}

/** Classes of which a large share of the images is taken for the other one, and that share, the largest first. */
export function takenForEachOther(
  confused: Confusion,
  perClass: ArrayLike<number>,
): readonly (ClassPair & { readonly share: number })[] {
  return confusedPairs(confused)
    .map(({ a, b, count: images }) => ({
      a,
      b,
      images,
      share: images / ((perClass[a] as number) + (perClass[b] as number)),
    }))
    .filter(({ images, share }) => images >= leastConfused && share >= leastShare)
    .sort((x, y) => y.share - x.share || x.a - y.a || x.b - y.b);
}

/**
 * Classes that may be one, by their names or by what their images are taken for.
 *
 * @param confused of the images that classifiers were asked about; none where they were asked about none
 */
export function alikeClasses(
  names: readonly string[],
  confused: Confusion,
  embedding: Embedding,
  labels: Int32Array,
): { readonly count: number; readonly listed: Inspection['alike'] } {
  const classes = names.length;
  const keyOf = ({ a, b }: ClassPair) => a * classes + b;
  const byName = new Set(namesAlike(names).map(keyOf));
  const perClass = perClassMetrics(confused).map(({ support }) => support);
  const byImages = takenForEachOther(confused, perClass);
  const both = new Map(confusedPairs(confused).map((pair) => [keyOf(pair), pair.count]));
  const pairs = [...new Set([...byImages.map(keyOf), ...byName])].map((key) => ({
    a: Math.floor(key / classes),
    b: key % classes,
  }));
  const shown = pairs.slice(0, mostPairs);
  const centroidOf = centroids(embedding, labels);
  const shareOf = ({ a, b }: ClassPair): number | null => {
    const images = (perClass[a] as number) + (perClass[b] as number);
    return images === 0 ? null : (both.get(keyOf({ a, b })) ?? 0) / images;
  };
  return {
    count: pairs.length,
    listed: shown.map((pair) => ({
      a: names[pair.a] ?? '',
      b: names[pair.b] ?? '',
      names: byName.has(keyOf(pair)),
      confused: shareOf(pair),
      centroids: cosine(centroidOf(pair.a), centroidOf(pair.b)),
    })),
  };
}

/** The mean of the embeddings of a class less that of all, computed when it is asked for. */
function centroids({ values, dimension, count }: Embedding, labels: Int32Array) {
  const members = rowsByClass(labels);
  const meanOf = (rows: Iterable<number>, images: number) => {
    const mean = new Float64Array(dimension);
    for (const row of rows)
      for (let at = 0; at < dimension; at++)
        mean[at] = (mean[at] as number) + (values[row * dimension + at] as number) / images;
    return mean;
  };
  let all: Float64Array | null = null;
  return (label: number): Float64Array => {
    all ??= meanOf(Array(count).keys(), count);
    const rows = members.get(label) ?? [];
    const middle = all;
    return meanOf(rows, Math.max(1, rows.length)).map((value, at) => value - (middle[at] as number));
  };
}

function cosine(a: Float64Array, b: Float64Array): number {
  let [products, as, bs] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    products += (a[at] as number) * (b[at] as number);
    as += (a[at] as number) ** 2;
    bs += (b[at] as number) ** 2;
  }
  return products / Math.max(1e-12, Math.sqrt(as * bs));
}

/** How many images the classes have. @param counts of each class, in the order of the names; what is past these is left out */
export function balanceOf(names: readonly string[], counts: readonly number[]): Inspection['balance'] {
  const ascending = names
    .map((name, label) => ({ class: name, images: counts[label] ?? 0 }))
    .sort((a, b) => a.images - b.images || (a.class < b.class ? -1 : 1));
  const [smallest, largest] = [ascending[0], ascending.at(-1)];
  if (!smallest || !largest) throw new Error('a data set has classes');
  const middle = median(ascending.map(({ images }) => images));
  const small = ascending.filter(({ images }) => images < smallShare * middle);
  return { largest, smallest, median: middle, small: small.length, smallClasses: small.slice(0, mostSmall) };
}
