import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { fold, randomUint32 } from './random.ts';
import { digestAt, digestBytes, sha256 } from './row-digests.ts';
import { rowsByClass } from './rows-by-class.ts';

/** What a split is made from: the class and the SHA-256 of the source of each image. */
export interface Divisible {
  readonly labels: Int32Array;
  /** Bytes [count, 32]. */
  readonly digests: Uint8Array;
}

/**
 * Whether an image is among the `share` that is taken for a purpose. It follows from the seed and the image's source
 * alone: not from its name, its row, the other images or the size that it is brought to. So an image stays on its side
 * when a data set grows, and copies of an image are on one side.
 */
export function isTaken(digest: Uint8Array, share: number, seed: number, purpose: string): boolean {
  return draw(digest, 0, randomUint32(seed, purpose)) < share * 2 ** 32;
}

/** Rows that are taken and rows that are left, in their order. Each class gives about its share, not exactly. */
export function divideRows(
  { digests }: Divisible,
  rows: readonly number[],
  share: number,
  seed: number,
  purpose: string,
): { readonly taken: number[]; readonly left: number[] } {
  const taken: number[] = [];
  const left: number[] = [];
  const key = randomUint32(seed, purpose);
  for (const row of rows) (draw(digests, row, key) < share * 2 ** 32 ? taken : left).push(row);
  return { taken, left };
}

/** The side of an image that comes alone, or of a group: `divide` draws for the same purposes, first for the test, then for validation. */
export function sideOf(
  digest: Uint8Array,
  { test, validation, seed }: { readonly test: number; readonly validation: number; readonly seed: number },
): 'train' | 'validation' | 'test' {
  if (isTaken(digest, test, seed, purposes.test)) return 'test';
  return isTaken(digest, validation, seed, purposes.validation) ? 'validation' : 'train';
}

/** What a group or a class is drawn by. */
export const nameDigest = (name: string): Uint8Array => sha256(Buffer.from(name.normalize('NFC')));

/** What a split is drawn for; part of what decides the draws. */
export const purposes = {
  test: 'test split',
  validation: 'validation split',
  unseenTest: 'unseen test classes',
  unseenValidation: 'unseen validation classes',
} as const;

/**
 * Selects at most `limit` rows, evenly over the classes: of each class those with the smallest draws. This is a selection
 * and no split: what is not selected is not used at all.
 */
export function selectRows(
  { labels, digests }: Divisible,
  rows: readonly number[],
  limit: number,
  seed: number,
  purpose: string,
): readonly number[] {
  if (limit >= rows.length) return rows;
  const members = [...rowsByClass(labels, rows)].sort(([a], [b]) => a - b).map(([, own]) => own);
  const quotas = evenQuotas(
    members.map(({ length }) => length),
    limit,
  );
  const key = randomUint32(seed, purpose);
  const selected = members.flatMap((own, at) => {
    const keyed = own.map((row) => ({ row, drawn: draw(digests, row, key) }));
    return keyed
      .sort((a, b) => a.drawn - b.drawn || Buffer.compare(digestAt(digests, a.row), digestAt(digests, b.row)))
      .slice(0, quotas[at])
      .map(({ row }) => row);
  });
  return selected.sort((a, b) => a - b);
}

/**
 * How many each class gives, so that they are `limit` in all and as equal as the classes' sizes allow; what cannot be divided evenly
 * is given by the first that have more.
 */
export function evenQuotas(sizes: readonly number[], limit: number): number[] {
  const total = (each: number) => sizes.reduce((sum, size) => sum + Math.min(size, each), 0);
  // The most that every class may give, by bisection.
  let [each, tooMany] = [0, limit + 1];
  while (tooMany - each > 1) {
    const middle = Math.floor((each + tooMany) / 2);
    if (total(middle) <= limit) each = middle;
    else tooMany = middle;
  }
  let remaining = limit - total(each);
  return sizes.map((size) => Math.min(size, each) + (size > each && remaining-- > 0 ? 1 : 0));
}

/**
 * Uniform from 0 to 2^32 - 1, of the digest of a row out of bytes [count, 32]. A digest is uniform already; half of it tells more
 * images apart than there are.
 *
 * @param key `randomUint32` of seed and purpose, made once for all rows
 */
function draw(digests: Uint8Array, row: number, key: number): number {
  let drawn = key;
  const byte = (at: number) => digests[at] as number;
  const start = row * digestBytes;
  for (let at = start; at < start + digestBytes / 2; at += 4)
    drawn = fold(drawn, ((byte(at) << 24) | (byte(at + 1) << 16) | (byte(at + 2) << 8) | byte(at + 3)) >>> 0);
  return drawn;
}

type Shares = Pick<PrepareDataParameters, 'validation' | 'test' | 'seed'>;

/** The shares and the seed of a split: those of `split`, or the step's own. */
export const sharesOf = ({
  split,
  validation,
  test,
  seed,
}: Shares & Partial<Pick<PrepareDataParameters, 'split'>>): Shares => ({
  validation: split?.validation ?? validation,
  test: split?.test ?? test,
  seed: split?.seed ?? seed,
});
