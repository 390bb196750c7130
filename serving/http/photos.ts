import sharp from 'sharp';
import { z } from 'zod';
import { times } from '../../contracts/counted.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { imagesBodySchema } from '../../contracts/serving.ts';
import { oneLine } from '../../contracts/short-text.ts';
import { formatOf, formatsShown } from '../../datasets/index.ts';
import { HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';

/** Part of a file by which its kind is known. */
const headBytes = 512;

/**
 * The photos of a request's body: one as it is, or several in JSON.
 *
 * @throws HttpError BadRequest, TooLarge
 */
export function photosIn(body: unknown, { imageBytes }: Pick<ServeLimits, 'imageBytes'>): readonly Buffer[] {
  if (Buffer.isBuffer(body)) {
    if (body.length === 0) throw new HttpError('BadRequest', 'The body is empty; it must be an image.');
    return [body];
  }
  const parsed = imagesBodySchema.safeParse(body);
  if (!parsed.success)
    throw new HttpError(
      'BadRequest',
      `The body must be an image, or JSON such as {"images": ["<base64>"]}. ${oneLine(z.prettifyError(parsed.error))}`,
    );
  const { images } = parsed.data;
  return images.map((text, at) => {
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
      throw new HttpError('BadRequest', `${whichOf(at, images.length)} is not in base64.`);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length > imageBytes)
      throw new HttpError('TooLarge', `${whichOf(at, images.length)} is larger than ${formatBytes(imageBytes)}.`);
    return bytes;
  });
}

/** What a photo is called in a message; its sender knows it by its place alone. */
export const whichOf = (at: number, count: number): string =>
  count === 1 ? 'The image' : `Image ${at + 1} of ${count}`;

/**
 * Refuses what is no image, or has too many pixels, by its first bytes and its header, before anything is decoded.
 *
 * @throws HttpError UnsupportedMediaType, TooLarge
 */
export async function checkPhoto(
  content: Buffer,
  which: string,
  { imagePixels }: Pick<ServeLimits, 'imagePixels'>,
): Promise<void> {
  const format = formatOf(content.subarray(0, headBytes));
  if (format.is === 'other')
    throw new HttpError('UnsupportedMediaType', `${which} ${format.what}. Images may be ${formatsShown}.`);
  const size = await sizeOf(content);
  if (size && size.width * size.height > imagePixels)
    throw new HttpError(
      'TooLarge',
      `${which} has ${size.width}x${size.height} pixels, more than ${times(imagePixels / 1e6, 'million')}: shrink it.`,
    );
}

/** Null where the header cannot be read, of which the decoder says why. */
async function sizeOf(content: Buffer): Promise<{ readonly width: number; readonly height: number } | null> {
  try {
    const { width = 0, height = 0 } = await sharp(content, { limitInputPixels: false }).metadata();
    return { width, height };
  } catch {
    return null;
  }
}
