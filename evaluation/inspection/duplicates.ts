import type { DuplicateKind } from '../../contracts/inspection.ts';
import type { Looks } from './looks.ts';
import { visitNearHashes } from './near-hashes.ts';
import type { Turn } from './turns.ts';

/** Of a set of images that all look alike each is compared with at most so many others. */
const mostCompared = 500;

/** For every image and every split the image of that split that is most like it. */
export interface Partners {
  /** Of each split, by image: the image that is most like it, or -1. */
  readonly partner: readonly Int32Array[];
  /** Likewise: how much. */
  readonly likeness: readonly Float32Array[];
}

export const noPartners = (images: number, splits: number): Partners => ({
  partner: Array.from({ length: splits }, () => new Int32Array(images).fill(-1)),
  likeness: Array.from({ length: splits }, () => new Float32Array(images)),
});

/** Which split each image is of, by its place among the splits. */
export type SplitOf = Uint8Array;

/** Keeps the likelier of two partners, the first of equal ones. */
export function keepBetter(
  { partner, likeness }: Partners,
  image: number,
  other: number,
  split: number,
  value: number,
): void {
  const [partners, values] = [partner[split], likeness[split]];
  if (!partners || !values) throw new RangeError(`there is no split ${split}`);
  if ((partners[image] as number) >= 0 && (values[image] as number) >= value) return;
  partners[image] = other;
  values[image] = value;
}

/** Images with the same pixels: of each split the first such other image. */
export function exactCopies(digests: readonly string[], splitOf: SplitOf, splits: number): Partners {
  const found = noPartners(digests.length, splits);
  const groups = new Map<string, number[]>();
  for (const [image, digest] of digests.entries()) {
    const group = groups.get(digest);
    if (group) group.push(image);
    else groups.set(digest, [image]);
  }
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    // The first two of each split will do: one of them is another image.
    const firsts = Array.from({ length: splits }, (_, split) =>
      group.filter((image) => splitOf[image] === split).slice(0, 2),
    );
    for (const image of group)
      for (const [split, candidates] of firsts.entries()) {
        const other = candidates.find((each) => each !== image);
        if (other !== undefined) keepBetter(found, image, other, split, 1);
      }
  }
  return found;
}

/**
 * Images whose hashes are near and whose pixels correlate, but are not the same. Blank images are left out.
 *
 * @returns and how many images were so like so many others that they were compared with some of these only
 */
export async function nearDuplicates(
  looks: Looks,
  splitOf: SplitOf,
  splits: number,
  { distance, correlation, turn }: { readonly distance: number; readonly correlation: number; readonly turn: Turn },
): Promise<{ readonly found: Partners; readonly cutShort: number }> {
  const { digests, hashes, blank } = looks;
  const found = noPartners(digests.length, splits);
  // Copies within a split look the same to all others, so one of them is compared.
  const firsts = new Map<string, number>();
  const compared: number[] = [];
  const standsFor = Int32Array.from(digests, (digest, image) => {
    const key = `${splitOf[image]} ${digest}`;
    const first = firsts.get(key);
    if (first !== undefined) return first;
    firsts.set(key, image);
    if (blank[image] === 0) compared.push(image);
    return image;
  });
  const words = new Uint32Array(2 * compared.length);
  for (const [at, image] of compared.entries()) words.set(hashes.subarray(2 * image, 2 * image + 2), 2 * at);
  const correlationOf = correlations(looks);
  const comparisons = new Uint16Array(compared.length);
  const cutShort = await visitNearHashes(
    words,
    distance,
    (at, before) => {
      const [image, other] = [compared[at] as number, compared[before] as number];
      if (digests[image] === digests[other]) return true;
      const value = correlationOf(image, other);
      if (value >= correlation) {
        keepBetter(found, image, other, splitOf[other] as number, value);
        keepBetter(found, other, image, splitOf[image] as number, value);
      }
      comparisons[at] = (comparisons[at] as number) + 1;
      return (comparisons[at] as number) < mostCompared;
    },
    turn,
  );
  for (const [image, first] of standsFor.entries())
    if (first !== image)
      for (let split = 0; split < splits; split++) {
        const other = found.partner[split]?.[first] as number;
        if (other >= 0) keepBetter(found, image, other, split, found.likeness[split]?.[first] as number);
      }
  return { found, cutShort };
}

/**
 * Pearson's correlation of the pixels of two thumbnails, over all their channels: 1 where they differ in brightness and contrast
 * alone. A red and a blue shirt of one cut differ.
 */
function correlations({ thumbnails, thumbnailValues: values, digests }: Looks) {
  const [means, spreads] = [new Float64Array(digests.length), new Float64Array(digests.length)];
  for (let image = 0; image < digests.length; image++) {
    let [sum, squares] = [0, 0];
    for (let at = image * values; at < (image + 1) * values; at++) {
      const value = thumbnails[at] as number;
      sum += value;
      squares += value * value;
    }
    means[image] = sum / values;
    spreads[image] = Math.sqrt(Math.max(0, squares - sum * (sum / values)));
  }
  return (a: number, b: number): number => {
    let products = 0;
    for (let at = 0; at < values; at++)
      products += (thumbnails[a * values + at] as number) * (thumbnails[b * values + at] as number);
    const covariance = products - values * (means[a] as number) * (means[b] as number);
    return covariance / Math.max(1e-9, (spreads[a] as number) * (spreads[b] as number));
  };
}

/** What is known of duplicates, the surest kind first. */
export type Found = readonly { readonly kind: DuplicateKind; readonly partners: Partners }[];

/** The surest of what was found by which an image has a duplicate in a split. */
export const surestIn = (found: Found, image: number, split: number): Found[number] | undefined =>
  found.find(({ partners }) => (partners.partner[split]?.[image] as number) >= 0);

/** The kind of it; null where there is none. */
export const kindIn = (found: Found, image: number, split: number): DuplicateKind | null =>
  surestIn(found, image, split)?.kind ?? null;

/** How many images of each split have a duplicate of each kind, and of none that is surer, in each split. */
export function countDuplicates(found: Found, splitOf: SplitOf, splits: number) {
  const counts = new Map<string, { kind: DuplicateKind; split: number; alsoIn: number; images: number }>();
  for (const [image, split] of splitOf.entries())
    for (let alsoIn = 0; alsoIn < splits; alsoIn++) {
      const kind = kindIn(found, image, alsoIn);
      if (kind === null) continue;
      const key = `${kind} ${split} ${alsoIn}`;
      const entry = counts.get(key) ?? { kind, split, alsoIn, images: 0 };
      entry.images++;
      counts.set(key, entry);
    }
  return [...counts.values()];
}

export interface FoundPair {
  readonly kind: DuplicateKind;
  readonly likeness: number;
  readonly a: number;
  readonly b: number;
}

/**
 * Pairs that a person should see, each once: across splits before within, the surest kind first, the most alike first.
 *
 * @param most pairs of each kind that are given
 */
export function pairsToShow(found: Found, splitOf: SplitOf, most: number): FoundPair[] {
  return found.flatMap(({ kind, partners: { partner, likeness } }) => {
    const pairs = new Map<number, FoundPair>();
    for (const [split, partners] of partner.entries())
      for (const [image, other] of partners.entries()) {
        if (other < 0) continue;
        const [a, b] = image < other ? [image, other] : [other, image];
        const isSurer = kindIn(found, image, split) !== kind;
        if (!isSurer) pairs.set(a * splitOf.length + b, { kind, likeness: likeness[split]?.[image] as number, a, b });
      }
    const isWithin = ({ a, b }: FoundPair) => Number(splitOf[a] === splitOf[b]);
    return [...pairs.values()]
      .sort((x, y) => isWithin(x) - isWithin(y) || y.likeness - x.likeness || x.a - y.a || x.b - y.b)
      .slice(0, most);
  });
}
