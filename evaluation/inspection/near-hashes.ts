import { bitsBetween } from './perceptual-hash.ts';
import type { Turn } from './turns.ts';

/** A hash of 64 bits is looked up by its bands, of 16 bits each. */
const bands = 4;
const bandValues = 2 ** 16;
/** Two hashes that differ in at most so many bits differ in at most two of one of the four bands. */
export const mostBits = 11;

/** Hashes of 64 bits, two words each. */
export type Hashes = Uint32Array;

const bandOf = (hashes: Hashes, item: number, band: number): number =>
  ((hashes[2 * item + (band >> 1)] as number) >>> (16 * (band & 1))) & 0xffff;

/**
 * Visits every pair of hashes that differ in at most `distance` bits, once, by multi-index hashing (Norouzi, Punjani and Fleet,
 * CVPR 2012): of two such hashes one of the four bands differs in at most a fourth of the bits, so only what lies in the few buckets
 * around a hash's own is compared.
 *
 * @param distance at most 11
 * @param visit is given an item, all later items are visited before; false ends the search for the item
 * @returns items whose search was ended
 */
export async function visitNearHashes(
  hashes: Hashes,
  distance: number,
  visit: (item: number, earlier: number) => boolean,
  turn: Turn,
): Promise<number> {
  if (distance > mostBits) throw new RangeError(`at most ${mostBits} bits, not ${distance}`);
  const count = hashes.length / 2;
  const within = Math.floor(distance / bands);
  const masks = masksOf(within);
  const buckets = Array.from({ length: bands }, (_, band) => bucketsOf(hashes, band));
  let ended = 0;
  for (let item = 0; item < count; item++) {
    if (!visitEarlier(item)) ended++;
    if (item % 64 === 0) await turn(item, count);
  }
  return ended;

  function visitEarlier(item: number): boolean {
    for (let band = 0; band < bands; band++) {
      const { starts, items } = buckets[band] as Buckets;
      const own = bandOf(hashes, item, band);
      for (const mask of masks) {
        const bucket = own ^ mask;
        for (let at = starts[bucket] as number; at < (starts[bucket + 1] as number); at++) {
          const other = items[at] as number;
          // A bucket's items ascend.
          if (other >= item) break;
          const bits =
            bitsBetween(hashes[2 * item] as number, hashes[2 * other] as number) +
            bitsBetween(hashes[2 * item + 1] as number, hashes[2 * other + 1] as number);
          if (bits <= distance && isFirstBand(item, other, band) && !visit(item, other)) return false;
        }
      }
    }
    return true;
  }

  /** Whether no band before finds the pair too. */
  function isFirstBand(item: number, other: number, band: number): boolean {
    for (let before = 0; before < band; before++)
      if (bitsBetween(bandOf(hashes, item, before), bandOf(hashes, other, before)) <= within) return false;
    return true;
  }
}

interface Buckets {
  /** Of each value of the band, where its items begin; one more at the end. */
  readonly starts: Uint32Array;
  readonly items: Uint32Array;
}

/** The items by the value of their band, ascending in each: a counting sort. */
function bucketsOf(hashes: Hashes, band: number): Buckets {
  const count = hashes.length / 2;
  const starts = new Uint32Array(bandValues + 1);
  for (let item = 0; item < count; item++) {
    const after = bandOf(hashes, item, band) + 1;
    starts[after] = (starts[after] as number) + 1;
  }
  for (let value = 0; value < bandValues; value++)
    starts[value + 1] = (starts[value + 1] as number) + (starts[value] as number);
  const next = starts.slice();
  const items = new Uint32Array(count);
  for (let item = 0; item < count; item++) {
    const value = bandOf(hashes, item, band);
    items[next[value] as number] = item;
    next[value] = (next[value] as number) + 1;
  }
  return { starts, items };
}

/** All words of 16 bits with at most `most` bits, 2 at most. */
function masksOf(most: number): readonly number[] {
  const single = Array.from({ length: 16 }, (_, bit) => 1 << bit);
  const double = single.flatMap((one, at) => single.slice(at + 1).map((other) => one | other));
  return [0, ...(most >= 1 ? single : []), ...(most >= 2 ? double : [])];
}
