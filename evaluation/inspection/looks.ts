import type { ArtifactRef, SplitName } from '../../contracts/artifacts.ts';
import { digestOfShown, digestsIfKept, type OpenSplit } from '../../datasets/index.ts';
import type { Store } from '../../store/index.ts';
import type { Embedding } from '../embedding.ts';
import type { Hashes } from './near-hashes.ts';
import { hashedSide, perceptualHash } from './perceptual-hash.ts';
import { shrinker } from './shrink.ts';
import type { Turn } from './turns.ts';

/** The side of the pictures whose pixels are correlated. */
const thumbnailSide = 16;
/** Pixels stand for an embedding in at most so many numbers: 32x32 of grey, 18x18 of colour. */
const mostPixels = 1024;
const readAtOnce = 256;

/** A split that is looked at. */
export interface Part {
  readonly split: SplitName;
  readonly images: OpenSplit;
  /** Its images that are looked at, by their rows. */
  readonly rows: Int32Array;
}

/** How the images of several splits look, one after the other in the order of the splits. */
export interface Looks {
  /** Of each image, SHA-256 of its pixels in three channels: equal for copies only. */
  readonly digests: readonly string[];
  readonly hashes: Hashes;
  /** 1 for an image of one colour, whose hash says nothing. */
  readonly blank: Uint8Array;
  /** [images, values]: 16x16 pictures. */
  readonly thumbnails: Uint8Array;
  readonly thumbnailValues: number;
  /** The images themselves as an embedding, made small; null where they were not wanted. */
  readonly pixels: Embedding | null;
}

/**
 * Looks at every image once. The images are not kept.
 *
 * @throws ContrailError CorruptArtifact
 */
export async function lookAt(
  store: Store,
  dataset: ArtifactRef,
  parts: readonly Part[],
  { wantsPixels, turn }: { readonly wantsPixels: boolean; readonly turn: Turn },
): Promise<Looks> {
  const count = parts.reduce((sum, { rows }) => sum + rows.length, 0);
  const [first] = parts;
  const form = first?.images ?? { height: hashedSide, width: hashedSide, channels: 1 };
  const { channels } = form;
  const size = form.height * form.width * channels;
  const toSquare = shrinker(form, hashedSide);
  const square = { height: hashedSide, width: hashedSide, channels };
  const toThumbnail = shrinker(square, thumbnailSide);
  const pixelSide = Math.min(hashedSide, Math.floor(Math.sqrt(mostPixels / channels)));
  const toPixels = shrinker(square, pixelSide);
  const dimension = pixelSide ** 2 * channels;
  const thumbnailValues = thumbnailSide ** 2 * channels;
  const digests: string[] = [];
  const hashes = new Uint32Array(2 * count);
  const blank = new Uint8Array(count);
  const thumbnails = new Uint8Array(count * thumbnailValues);
  const pixels = wantsPixels ? new Float32Array(count * dimension) : null;

  for (const { split, images, rows } of parts) {
    const kept = await digestsIfKept(store, dataset, split);
    for (let start = 0; start < rows.length; start += readAtOnce) {
      const wanted = rows.subarray(start, start + readAtOnce);
      const bytes = new Uint8Array(wanted.length * size);
      await images.read(wanted, bytes, new Int32Array(wanted.length));
      for (const [at, row] of wanted.entries()) {
        const image = bytes.subarray(at * size, (at + 1) * size);
        const item = digests.length;
        const small = toSquare(image);
        const hash = perceptualHash(small, channels);
        if (hash) hashes.set(hash, 2 * item);
        else blank[item] = 1;
        thumbnails.set(toThumbnail(small), item * thumbnailValues);
        pixels?.set(toPixels(small), item * dimension);
        // As data sets keep it, in three channels: of splits that are compared one may keep none.
        digests.push(kept?.pixels[row] ?? Buffer.from(digestOfShown({ pixels: image, channels })).toString('hex'));
      }
      await turn(digests.length, count);
    }
  }
  return {
    digests,
    hashes,
    blank,
    thumbnails,
    thumbnailValues,
    pixels: pixels && { values: pixels, count, dimension },
  };
}
