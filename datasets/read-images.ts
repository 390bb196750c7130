import { ContrailError } from '../contracts/errors.ts';
import { fitImage, preparedSide } from './fit.ts';
import type { PreparationOptions, RawSplit } from './source.ts';

/** Images decoded at a time. */
const concurrency = 16;

/** Images of a split as read and brought to size, without the unusable ones. */
export interface ReadImages {
  /** One entry an image: bytes [32, 32, channels]. */
  readonly images: readonly { readonly pixels: Uint8Array; readonly channels: 1 | 3; readonly label: number }[];
  readonly rejected: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Reads the given rows of a split, skipping what cannot be used.
 *
 * @param maximumRejected how many unusable images are too few to give up
 * @throws ContrailError InvalidDataset when there are more, naming the first
 */
export async function readImages(
  split: RawSplit,
  rows: readonly number[],
  { phase, fit, maximumRejected }: { phase: string; fit: 'pad' | 'resize'; maximumRejected: number },
  { onProgress, signal }: PreparationOptions,
): Promise<ReadImages> {
  const images = new Array<ReadImages['images'][number] | undefined>(rows.length);
  const rejected: { path: string; reason: string; order: number }[] = [];
  let next = 0;
  let done = 0;
  const reader = async () => {
    for (let order = next++; order < rows.length; order = next++) {
      signal?.throwIfAborted();
      const index = rows[order] ?? 0;
      const image = await split.read(index);
      if ('rejected' in image) {
        rejected.push({ path: split.nameOf(index), reason: image.rejected, order });
        if (rejected.length > maximumRejected) throw tooMany(rejected, maximumRejected);
      } else images[order] = { pixels: await fitImage(image, fit), channels: image.channels, label: image.label };
      done++;
      if (done % 500 === 0 || done === rows.length) {
        onProgress?.({ phase, done, total: rows.length });
        await new Promise(setImmediate);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, reader));
  return {
    images: images.filter((image) => image !== undefined),
    rejected: rejected.sort((a, b) => a.order - b.order).map(({ path, reason }) => ({ path, reason })),
  };
}

function tooMany(rejected: readonly { path: string; reason: string }[], maximum: number): ContrailError {
  const listed = rejected.slice(0, 5).map(({ path, reason }) => `  ${path} ${reason}`);
  const more = rejected.length > 5 ? [`  and ${rejected.length - 5} more`] : [];
  return new ContrailError(
    'InvalidDataset',
    [
      `More than ${maximum} images cannot be used (maximumRejected). Mend or remove them, or raise it:`,
      ...listed,
      ...more,
    ].join('\n'),
  );
}

/** All images as one block of bytes [n, 32, 32, channels], grey repeated where the set has colour. */
export function packImages(images: ReadImages['images'], channels: 1 | 3): Uint8Array {
  const size = preparedSide * preparedSide;
  const packed = new Uint8Array(images.length * size * channels);
  for (const [index, { pixels, channels: own }] of images.entries()) {
    const at = index * size * channels;
    if (own === channels) packed.set(pixels, at);
    else for (let pixel = 0; pixel < size; pixel++) packed.fill(pixels[pixel] ?? 0, at + 3 * pixel, at + 3 * pixel + 3);
  }
  return packed;
}
