import { randomUint32 } from './random.ts';

/**
 * Takes about `share` of the images of each class, but leaves each class one, in a random order that follows from the seed.
 * How many each class gives is decided by largest remainders, so the total is the rounded share of all.
 *
 * @param labels the class of each image
 * @returns the rows taken and those left, both ascending
 */
export function stratifiedShare(
  labels: Int32Array,
  classes: number,
  share: number,
  seed: number,
  purpose: string,
): { taken: number[]; left: number[] } {
  const members = byClass(labels, classes);
  const quotas = apportion(
    members.map((rows) => Math.min(rows.length * share, Math.max(0, rows.length - 1))),
    Math.round(labels.length * share),
  );
  return pick(members, quotas, seed, purpose);
}

/** Takes at most `limit` images, evenly over the classes. */
export function stratifiedLimit(
  labels: Int32Array,
  classes: number,
  limit: number,
  seed: number,
  purpose: string,
): number[] {
  if (limit >= labels.length) return Array.from(labels.keys());
  const members = byClass(labels, classes);
  const quotas = members.map(() => 0);
  for (let remaining = limit; remaining > 0; ) {
    const open = quotas.flatMap((quota, label) => (quota < (members[label]?.length ?? 0) ? [label] : []));
    for (const label of open.slice(0, remaining)) quotas[label] = (quotas[label] ?? 0) + 1;
    remaining -= Math.min(remaining, open.length);
  }
  return pick(members, quotas, seed, purpose).taken;
}

function byClass(labels: Int32Array, classes: number): number[][] {
  const members: number[][] = Array.from({ length: classes }, () => []);
  labels.forEach((label, row) => {
    members[label]?.push(row);
  });
  return members;
}

/** Whole numbers near the wanted ones that add up to `total`, where no wanted number is passed by 1 or more. */
function apportion(wanted: readonly number[], total: number): number[] {
  const quotas = wanted.map(Math.floor);
  const byRemainder = wanted
    .map((value, label) => ({ label, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.label - b.label);
  let missing = total - quotas.reduce((a, b) => a + b, 0);
  for (const { label, remainder } of byRemainder) {
    if (missing <= 0 || remainder === 0) break;
    quotas[label] = (quotas[label] ?? 0) + 1;
    missing--;
  }
  return quotas;
}

function pick(
  members: readonly number[][],
  quotas: readonly number[],
  seed: number,
  purpose: string,
): { taken: number[]; left: number[] } {
  const taken: number[] = [];
  const left: number[] = [];
  for (const [label, rows] of members.entries()) {
    const shuffled = rows
      .map((row) => ({ row, key: randomUint32(seed, purpose, row) }))
      .sort((a, b) => a.key - b.key || a.row - b.row)
      .map(({ row }) => row);
    taken.push(...shuffled.slice(0, quotas[label]));
    left.push(...shuffled.slice(quotas[label]));
  }
  return { taken: taken.sort((a, b) => a - b), left: left.sort((a, b) => a - b) };
}
