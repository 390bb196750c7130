import { defineStep, PermanentError, z } from 'contrail/define';
import { type LabelledImage, readImages } from './dataset-files.ts';

/** Images of one shop. */
const selection = z.object({ split: z.string(), category: z.string() });

/**
 * Searches the images of one shop among those of another without an encoder, by the squared distance between their pixels: what an encoder
 * has to be better than.
 */
export default defineStep({
  description: 'Search by the distance between pixels, without an encoder',
  with: z.object({ query: selection, gallery: selection }),
  inputs: { dataset: 'dataset' },
  result: z.object({
    queries: z.int().describe('images whose class has an image in the gallery'),
    recallAt1: z.number().describe('share of them whose nearest image is of their class'),
  }),
  run: async ({ parameters, inputs, signal, progress }) => {
    const select = async ({ split, category }: z.infer<typeof selection>) =>
      (await readImages(inputs.dataset, split)).filter((image) => image.category === category);
    const gallery = await select(parameters.gallery);
    const classes = new Set(gallery.map(({ label }) => label));
    const queries = (await select(parameters.query)).filter(({ label }) => classes.has(label));
    if (queries.length === 0) throw new PermanentError('no query has an image of its class in the gallery');
    let hits = 0;
    for (const [done, query] of queries.entries()) {
      signal.throwIfAborted();
      progress(done / queries.length, `${done} of ${queries.length} images`);
      if (nearest(query, gallery)?.label === query.label) hits++;
      await new Promise(setImmediate);
    }
    return { queries: queries.length, recallAt1: hits / queries.length };
  },
});

/** The image at the smallest squared distance, the first of those that are as near. */
function nearest({ pixels }: LabelledImage, gallery: readonly LabelledImage[]): LabelledImage | null {
  let best: LabelledImage | null = null;
  let smallest = Number.POSITIVE_INFINITY;
  for (const image of gallery) {
    const distance = squaredDistance(pixels, image.pixels, smallest);
    if (distance >= smallest) continue;
    smallest = distance;
    best = image;
  }
  return best;
}

/** Stops where the distance has reached a limit. */
function squaredDistance(a: Uint8Array, b: Uint8Array, limit: number): number {
  let sum = 0;
  for (let at = 0; at < a.length && sum < limit; at++) sum += ((a[at] as number) - (b[at] as number)) ** 2;
  return sum;
}
