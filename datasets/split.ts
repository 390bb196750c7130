import type { SplitName } from '../contracts/artifacts.ts';
import { randomUint32 } from './random.ts';
import { digestAt } from './row-digests.ts';
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
  return draw(digest, seed, purpose) < share * 2 ** 32;
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
  for (const row of rows) (isTaken(digestAt(digests, row), share, seed, purpose) ? taken : left).push(row);
  return { taken, left };
}

/** The side of an image that comes alone: `divide` draws for the same purposes, first for the test, then for validation. */
export function sideOf(
  digest: Uint8Array,
  { test, validation, seed }: { readonly test: number; readonly validation: number; readonly seed: number },
): SplitName {
  if (isTaken(digest, test, seed, purposes.test)) return 'test';
  return isTaken(digest, validation, seed, purposes.validation) ? 'validation' : 'train';
}

/** What a split is drawn for; part of what decides the draws. */
export const purposes = { test: 'test split', validation: 'validation split' } as const;

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
  const quotas = evenQuotas(members, limit);
  const selected = members.flatMap((own, at) => {
    const drawn = own.map((row) => ({ row, key: draw(digestAt(digests, row), seed, purpose) }));
    return drawn
      .sort((a, b) => a.key - b.key || Buffer.compare(digestAt(digests, a.row), digestAt(digests, b.row)))
      .slice(0, quotas[at])
      .map(({ row }) => row);
  });
  return selected.sort((a, b) => a - b);
}

/** How many each class gives, so that they are `limit` in all and as equal as the classes' sizes allow. */
function evenQuotas(members: readonly (readonly number[])[], limit: number): number[] {
  const quotas = members.map(() => 0);
  for (let remaining = limit; remaining > 0; ) {
    const open = quotas.flatMap((quota, at) => (quota < (members[at]?.length ?? 0) ? [at] : []));
    for (const at of open.slice(0, remaining)) quotas[at] = (quotas[at] ?? 0) + 1;
    remaining -= Math.min(remaining, open.length);
  }
  return quotas;
}

/** Uniform from 0 to 2^32 - 1. A digest is uniform already; half of it tells more images apart than there are. */
function draw(digest: Uint8Array, seed: number, purpose: string): number {
  const words = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
  return randomUint32(seed, purpose, ...[0, 4, 8, 12].map((at) => words.getUint32(at)));
}
