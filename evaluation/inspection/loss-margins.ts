import { type Tensor2D, tf } from '../../training/index.ts';
import { type Embedding, unitLength } from '../embedding.ts';
import { valuesOf } from '../values.ts';
import type { Turn } from './turns.ts';

/** Images compared with the means of all classes at a time, fewer where there are many classes. */
const atOnce = { largest: 1024, values: 4_000_000 };

/**
 * How much better its label explains an image than the best other class does, by the supervised contrastive loss.
 *
 * Equation 2 of arXiv:2004.11362, of image i with label y against all other images, is
 *
 *     loss_i(y) = log sum_{a != i} exp(z_i z_a / t) - 1 / |P_i(y)| * sum_{p in P_i(y)} z_i z_p / t
 *
 * with P_i(y) the images of y other than i. The first term does not depend on the label. So the difference of the losses that two labels
 * would give is that of the mean cosines to their images, by t: the margin is `t * (min_{k != y} loss_i(k) - loss_i(y))`, and takes the
 * means of the classes alone, not all pairs of images. It is the margin whose area arXiv:2001.10528 ranks labels by, with -loss_i for logits.
 *
 * @param labels of each row of the embedding
 * @returns of each row its margin, a difference of cosines, negative where another class has the smaller loss; NaN where the class has no
 * other image, or there is no other class
 */
export async function lossMargins(embedding: Embedding, labels: Int32Array, turn: Turn): Promise<Float64Array> {
  const { values, count, dimension } = unitLength(embedding);
  const places = placesOf(labels);
  const { means, images } = classMeans({ values, count, dimension }, labels, places);
  const margins = new Float64Array(count).fill(Number.NaN);
  const classes = places.size;
  const block = Math.max(1, Math.min(atOnce.largest, Math.floor(atOnce.values / Math.max(1, classes))));
  const ofClasses = tf.tensor2d(means, [classes, dimension]);
  try {
    for (let start = 0; start < count; start += block) {
      const size = Math.min(block, count - start);
      const rows = values.subarray(start * dimension, (start + size) * dimension);
      const cosines = valuesOf(
        () => tf.matMul(tf.tensor2d(rows, [size, dimension]), ofClasses, false, true) as Tensor2D,
      );
      for (let at = 0; at < size; at++) {
        const own = places.get(labels[start + at] as number) as number;
        const others = (images[own] as number) - 1;
        if (others === 0) continue;
        let best = Number.NEGATIVE_INFINITY;
        for (let place = 0; place < classes; place++)
          if (place !== own) best = Math.max(best, cosines[at * classes + place] as number);
        if (best === Number.NEGATIVE_INFINITY) continue;
        // The mean of the class without the image itself.
        const withItself = (cosines[at * classes + own] as number) * (others + 1);
        margins[start + at] = (withItself - squared(rows, at * dimension, dimension)) / others - best;
      }
      await turn(start + size, count);
    }
  } finally {
    ofClasses.dispose();
  }
  return margins;
}

/** Of each class that occurs its place among them. */
const placesOf = (labels: Int32Array): ReadonlyMap<number, number> =>
  new Map([...new Set(labels)].sort((a, b) => a - b).map((label, place) => [label, place]));

function classMeans(
  { values, count, dimension }: Embedding,
  labels: Int32Array,
  places: ReadonlyMap<number, number>,
): { readonly means: Float32Array; readonly images: Int32Array } {
  const images = new Int32Array(places.size);
  const sums = new Float64Array(places.size * dimension);
  for (let row = 0; row < count; row++) {
    const place = places.get(labels[row] as number) as number;
    images[place] = (images[place] as number) + 1;
    for (let column = 0; column < dimension; column++) {
      const at = place * dimension + column;
      sums[at] = (sums[at] as number) + (values[row * dimension + column] as number);
    }
  }
  const means = Float32Array.from(sums, (sum, at) => sum / (images[Math.floor(at / dimension)] as number));
  return { means, images };
}

function squared(values: Float32Array, start: number, length: number): number {
  let sum = 0;
  for (let at = start; at < start + length; at++) sum += (values[at] as number) ** 2;
  return sum;
}
