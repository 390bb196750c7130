import { permutationP, type Relabelings } from './relabelings.ts';

/**
 * Tests whether classes have the same shares among recent images as in the reference: chi squared over the relabelings, which is
 * right for rare classes too.
 *
 * @param predicted class of each image, recent ones first
 * @returns how often each class occurs on either side, and half the sum of the differences of their shares
 */
export function testClassShares(
  predicted: Int32Array,
  classes: number,
  { count, images, recent, masks }: Relabelings,
): {
  readonly recent: Int32Array;
  readonly reference: Int32Array;
  readonly distance: number;
  readonly p: number;
} {
  const all = new Int32Array(classes);
  for (const label of predicted) all[label] = (all[label] as number) + 1;
  const occurring = Array.from(all.keys()).filter((label) => (all[label] as number) > 0);
  const of = new Int32Array(classes);
  const statistics = new Float64Array(count);
  for (let way = 0; way < count; way++) {
    of.fill(0);
    for (let image = 0; image < images; image++) {
      const label = predicted[image] as number;
      of[label] = (of[label] as number) + (masks[way * images + image] as number);
    }
    let sum = 0;
    // Chi squared of a table of two rows, but for a factor that all ways share.
    for (const label of occurring) {
      const total = all[label] as number;
      const expected = (total * recent) / images;
      sum += ((of[label] as number) - expected) ** 2 / total;
    }
    statistics[way] = sum;
  }
  const own = new Int32Array(classes);
  for (const label of predicted.subarray(0, recent)) own[label] = (own[label] as number) + 1;
  const others = all.map((total, label) => total - (own[label] as number));
  const distance = occurring.reduce(
    (sum, label) => sum + Math.abs((own[label] as number) / recent - (others[label] as number) / (images - recent)) / 2,
    0,
  );
  return { recent: own, reference: others, distance, p: permutationP(statistics) };
}
