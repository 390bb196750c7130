import { z } from 'zod';
import { formatBytes } from '../../contracts/limits.ts';
import { imagesBodySchema } from '../../contracts/serving.ts';
import { oneLine } from '../../contracts/short-text.ts';
import { formatOf, formatsShown } from '../../datasets/index.ts';
import { HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';
import { unknownField } from './read-json.ts';
import { shownName } from './shown-name.ts';

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
  if (!parsed.success) {
    const [unknown] = parsed.error.issues.flatMap((each) => (each.code === 'unrecognized_keys' ? each.keys : []));
    throw new HttpError(
      'BadRequest',
      unknown === undefined
        ? `The body must be an image, or JSON such as {"images": ["<base64>"]}. ${oneLine(z.prettifyError(parsed.error))}`
        : unknownField(shownName(unknown)),
    );
  }
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

/** Refuses what is no image by its first bytes. @throws HttpError UnsupportedMediaType */
export function requireImage(content: Buffer, which: string): void {
  const format = formatOf(content.subarray(0, headBytes));
  if (format.is === 'other')
    throw new HttpError('UnsupportedMediaType', `${which} ${format.what}. Images may be ${formatsShown}.`);
}

/** Refuses too many pixels by the header, before anything is decoded. @throws HttpError TooLarge */
export function requireSize(
  { width, height }: { readonly width: number; readonly height: number },
  which: string,
  { imagePixels }: Pick<ServeLimits, 'imagePixels'>,
): void {
  if (width * height > imagePixels)
    throw new HttpError(
      'TooLarge',
      `${which} has ${width}x${height} pixels, more than ${imagePixels / 1e6} million: shrink it.`,
    );
}
