import sharp from 'sharp';
import type { RawImage } from './source.ts';

/** The side of a prepared image. */
export const preparedSide = 32;

/**
 * Brings an image to 32x32. `pad` keeps the proportions: a smaller image is put in the middle of black, a larger one
 * shrunk first; `resize` scales to the square.
 */
export async function fitImage(
  { pixels, height, width, channels }: RawImage,
  fit: 'pad' | 'resize',
): Promise<Uint8Array> {
  if (height === preparedSide && width === preparedSide) return pixels;
  const isSmall = height <= preparedSide && width <= preparedSide;
  if (fit === 'pad' && isSmall) return padded(pixels, height, width, channels);
  const scale = preparedSide / Math.max(height, width);
  const target =
    fit === 'resize'
      ? { width: preparedSide, height: preparedSide }
      : { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const { data } = await sharp(pixels, { raw: { width, height, channels } })
    .resize(target.width, target.height, { fit: 'fill', kernel: isSmall ? 'cubic' : 'lanczos3' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return padded(new Uint8Array(data), target.height, target.width, channels);
}

function padded(pixels: Uint8Array, height: number, width: number, channels: number): Uint8Array {
  const result = new Uint8Array(preparedSide * preparedSide * channels);
  const top = Math.floor((preparedSide - height) / 2);
  const left = Math.floor((preparedSide - width) / 2);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width * channels, (y + 1) * width * channels);
    result.set(row, ((top + y) * preparedSide + left) * channels);
  }
  return result;
}
