import { Transformer } from '@napi-rs/image';
import sharp, { type Sharp } from 'sharp';
import type { Encoding } from './form.ts';

/** Encodes an image as a file. @param image.pixels bytes [side, side, channels] */
export async function encode(
  { pixels, channels }: { readonly pixels: Uint8Array; readonly channels: 1 | 3 },
  side: number,
  { format, quality }: Pick<Encoding, 'format' | 'quality'>,
): Promise<Uint8Array> {
  const image = sharp(pixels, { raw: { width: side, height: side, channels } });
  const coloured = channels === 1 ? image.toColourspace('b-w') : image;
  // Colour at full resolution: prints and seams are told apart by it.
  const written =
    format === 'jpeg' ? coloured.jpeg({ quality, chromaSubsampling: '4:4:4' }) : coloured.webp({ quality });
  return new Uint8Array(await written.toBuffer());
}

/**
 * Decodes an image that a data set keeps as a file. JPEG is decoded in this thread, in four tenths of the time that a pipeline of
 * libvips takes for one so small.
 *
 * @param encoded of a square
 * @param side that its pixels are wanted in; it is scaled to it
 * @returns bytes [side, side, channels]
 */
export async function decodeStored(encoded: Uint8Array, side: number, channels: 1 | 3): Promise<Uint8Array> {
  if (!isJpeg(encoded))
    return scaled(sharp(encoded, { failOn: 'error', limitInputPixels: mostStoredPixels }), side, channels);
  const pixels = new Transformer(encoded).rawPixelsSync();
  if (pixels.length === side * side * channels) return pixels;
  const own = Math.round(Math.sqrt(pixels.length / channels));
  if (own * own * channels !== pixels.length) throw new Error('it is no square of the channels that it should have');
  return scaled(sharp(pixels, { raw: { width: own, height: own, channels } }), side, channels);
}

/** More than any square that is kept has. The header of a damaged file may claim any. */
const mostStoredPixels = 2 ** 24;

const isJpeg = (file: Uint8Array) => file[0] === 0xff && file[1] === 0xd8;

const scaled = (image: Sharp, side: number, channels: 1 | 3): Promise<Uint8Array> =>
  image
    .resize(side, side, { fit: 'fill', kernel: 'lanczos3' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();

/** Whether a file is what `encode` writes: of that format, and a square of that side. */
export async function isStoredImage(
  encoded: Uint8Array,
  { side, format }: { readonly side: number; readonly format: Encoding['format'] },
): Promise<boolean> {
  try {
    const found = await sharp(encoded).metadata();
    return found.format === format && found.width === side && found.height === side && (found.pages ?? 1) === 1;
  } catch {
    return false;
  }
}
