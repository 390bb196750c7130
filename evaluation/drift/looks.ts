import { permutationP, type Relabelings } from './relabelings.ts';

/**
 * The two-sample statistic of Kolmogorov and Smirnov: the largest distance of two distribution functions.
 *
 * @param sorted values of both samples, ascending
 * @param isRecent of each of these whether it is of the first sample
 * @param recent size of the first sample
 */
export function kolmogorovSmirnov(sorted: Float64Array, isRecent: (place: number) => number, recent: number): number {
  const reference = sorted.length - recent;
  let [of, largest] = [0, 0];
  for (let place = 0; place < sorted.length; place++) {
    of += isRecent(place);
    // Between equal values there is no distance to be had.
    if (sorted[place] === sorted[place + 1]) continue;
    largest = Math.max(largest, Math.abs(of / recent - (place + 1 - of) / reference));
  }
  return largest;
}

/**
 * Tests several measures at once: the largest of their statistics against the largest of each relabeling (Westfall and Young, 1993),
 * which corrects for their number and knows that they go together.
 *
 * @param measures of recent images, then of the reference: each [images]
 */
export function testLooks(
  measures: readonly Float64Array[],
  { count, images, recent, masks }: Relabelings,
): { readonly statistics: readonly number[]; readonly p: number } {
  const largest = new Float64Array(count);
  const statistics = measures.map((values) => {
    const order = Int32Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number));
    const sorted = Float64Array.from(order, (image) => values[image] as number);
    for (let way = 0; way < count; way++) {
      const statistic = kolmogorovSmirnov(
        sorted,
        (place) => masks[way * images + (order[place] as number)] as number,
        recent,
      );
      largest[way] = Math.max(largest[way] as number, statistic);
    }
    return kolmogorovSmirnov(sorted, (place) => Number((order[place] as number) < recent), recent);
  });
  return { statistics, p: permutationP(largest) };
}
