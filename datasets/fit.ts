import sharp from 'sharp';
import type { RawImage } from './source.ts';

/** The side of the smallest image that shows anything. */
export const smallestSide = 8;

/** The side of a prepared image. */
export const preparedSide = 32;

interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * The size that an image is scaled to, and how. `pad` keeps the proportions: a smaller image stays as it is, a larger one is
 * shrunk until it fits; `resize` scales to the square.
 */
export function fittedSize(
  { height, width }: Size,
  fit: 'pad' | 'resize',
): Size & { readonly kernel: 'cubic' | 'lanczos3' } {
  const isSmall = height <= preparedSide && width <= preparedSide;
  const kernel = isSmall ? 'cubic' : 'lanczos3';
  if (fit === 'resize') return { height: preparedSide, width: preparedSide, kernel };
  if (isSmall) return { height, width, kernel };
  const scale = preparedSide / Math.max(height, width);
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)), kernel };
}

/** Puts an image that is no larger into the middle of a black square of 32x32. */
export function padToSide<T extends Pick<RawImage, 'pixels' | 'height' | 'width' | 'channels'>>(image: T): T {
  const { pixels, height, width, channels } = image;
  if (height === preparedSide && width === preparedSide) return image;
  const padded = new Uint8Array(preparedSide * preparedSide * channels);
  const top = Math.floor((preparedSide - height) / 2);
  const left = Math.floor((preparedSide - width) / 2);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width * channels, (y + 1) * width * channels);
    padded.set(row, ((top + y) * preparedSide + left) * channels);
  }
  return { ...image, pixels: padded, height: preparedSide, width: preparedSide };
}

/** Brings an image in memory to 32x32. */
export async function fitImage(image: RawImage, fit: 'pad' | 'resize'): Promise<Uint8Array> {
  const { pixels, height, width, channels } = image;
  const target = fittedSize(image, fit);
  if (target.height === height && target.width === width) return padToSide(image).pixels;
  const data = await sharp(pixels, { raw: { width, height, channels } })
    .resize(target.width, target.height, { fit: 'fill', kernel: target.kernel })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
  return padToSide({ pixels: new Uint8Array(data), ...target, channels }).pixels;
}
