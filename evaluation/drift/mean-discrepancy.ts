import { tf } from '../../training/index.ts';
import { type Embedding, unitRows } from '../embedding.ts';
import { median } from '../metrics/statistics.ts';
import { valuesOf } from '../values.ts';
import { permutationP, type Relabelings } from './relabelings.ts';

/** Relabelings at a time. */
const atOnce = 250;
/** Pairs of which the median is taken. */
const mostDistances = 100_000;

/**
 * The two-sample test of Gretton et al. (2012, JMLR 13): whether embeddings of length 1 have the same distribution, by the squared
 * maximum mean discrepancy (MMD²) of a Gaussian kernel whose width is the median distance. All relabelings of one product are
 * quadratic forms of one kernel matrix.
 *
 * @param embeddings of recent images, then of the reference
 * @param turn is told how many relabelings are done; may throw to stop
 * @returns the unbiased estimate of MMD², its root in deviations of the reference, and the p value
 */
export async function testEmbeddings(
  embeddings: Embedding,
  { count, images, recent, masks }: Relabelings,
  turn: (done: number, total: number) => Promise<void>,
): Promise<{ readonly discrepancy: number; readonly effect: number; readonly p: number }> {
  const reference = images - recent;
  const squared = squaredDistances(embeddings);
  const width = Math.max(medianOf(squared, images), 1e-12);
  const kernel = squared.map((distance) => Math.exp(-distance / (2 * width)));
  const { rows, mean } = centred(kernel, images);
  const total = rows.reduce((sum, each) => sum + each, 0);
  const statistics = new Float64Array(count);
  const within = { recent: 0, reference: 0 };
  const matrix = tf.tensor2d(kernel, [images, images]);
  try {
    for (let start = 0; start < count; start += atOnce) {
      const size = Math.min(atOnce, count - start);
      const own = masks.subarray(start * images, (start + size) * images);
      const forms = valuesOf(() => {
        const ways = tf.tensor2d(Float32Array.from(own), [size, images]);
        return tf.sum(tf.mul(tf.matMul(ways, matrix), ways), 1);
      });
      for (let at = 0; at < size; at++) {
        const among = forms[at] as number;
        let reached = 0;
        for (let image = 0; image < images; image++)
          if (own[at * images + image] === 1) reached += rows[image] as number;
        const across = reached - among;
        const others = total - among - 2 * across;
        const means = {
          recent: among / (recent * (recent - 1)),
          reference: others / (reference * (reference - 1)),
        };
        if (start + at === 0) Object.assign(within, means);
        statistics[start + at] = means.recent + means.reference - (2 * across) / (recent * reference);
      }
      await turn(start + size, count);
    }
  } finally {
    matrix.dispose();
  }
  const [discrepancy = 0] = statistics;
  // The kernel of an image with itself is 1, so this is the mean squared distance from the mean, in the kernel's space.
  const variance = Math.max(1 - (within.reference + mean), 1e-12);
  return { discrepancy, effect: Math.sqrt(Math.max(0, discrepancy) / variance), p: permutationP(statistics) };
}

/** Of all pairs, float32 [count, count], of rows scaled to length 1. */
function squaredDistances(embeddings: Embedding): Float32Array {
  return valuesOf(() => {
    const unit = unitRows(embeddings);
    return tf.maximum(tf.sub(2, tf.mul(2, tf.matMul(unit, unit, false, true))), 0);
  });
}

/** The median squared distance of pairs; of very many, of some that are spread evenly. */
function medianOf(squared: Float32Array, images: number): number {
  const step = Math.max(1, Math.floor((images * (images - 1)) / 2 / mostDistances));
  const taken: number[] = [];
  let pair = 0;
  for (let row = 1; row < images; row++)
    for (let column = 0; column < row; column++)
      if (pair++ % step === 0) taken.push(squared[row * images + column] as number);
  return median(taken);
}

/**
 * Takes the mean of all pairs off the kernel, and zeroes its diagonal: neither changes the unbiased estimate, and float32 has the
 * digits that matter.
 */
function centred(kernel: Float32Array, images: number): { readonly rows: Float64Array; readonly mean: number } {
  const rows = new Float64Array(images);
  for (let row = 0; row < images; row++) {
    kernel[row * images + row] = 0;
    for (let column = 0; column < images; column++)
      rows[row] = (rows[row] as number) + (kernel[row * images + column] as number);
  }
  const mean = rows.reduce((sum, each) => sum + each, 0) / (images * (images - 1));
  for (let row = 0; row < images; row++) {
    let sum = 0;
    for (let column = 0; column < images; column++) {
      if (row === column) continue;
      const at = row * images + column;
      kernel[at] = (kernel[at] as number) - mean;
      sum += kernel[at] as number;
    }
    rows[row] = sum;
  }
  return { rows, mean };
}
