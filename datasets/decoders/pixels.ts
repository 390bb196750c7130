import sharp from 'sharp';
import { z } from 'zod';
import { fittedSize, keptPart } from '../fit.ts';
import { type Form, isGrey } from '../form.ts';
import type { Header } from './header.ts';

/** What of a form decides how a file is decoded. */
export type DecodedForm = Pick<Form, 'side' | 'fit' | 'background'>;

/** Pixels of an image: bytes [height, width, channels]. */
export const pixelsSchema = z.strictObject({
  pixels: z.instanceof(Uint8Array),
  height: z.int().positive(),
  width: z.int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
});
export type Pixels = z.infer<typeof pixelsSchema>;

/**
 * Decodes an image in this process, and brings it to the scale of a form meanwhile: what is large is never in memory in full where its
 * format allows to shrink it on the way. It is turned as its EXIF data say, put on the form's background where it is transparent, turned
 * to sRGB, and of several pages the first is taken.
 *
 * @param header of the same file
 * @param failOn how much the decoder must have against the file to refuse it
 * @returns at most `side` high and wide; not yet padded
 * @throws what the decoder says of it
 */
export async function decodeHere(
  content: Uint8Array,
  header: Header,
  form: DecodedForm,
  failOn: 'warning' | 'error',
): Promise<Pixels> {
  const size = fittedSize(uprightSize(header), form);
  const { behind } = form.background;
  const [r, g, b] = behind;
  // A colour behind a transparent grey image would be lost in grey.
  const grey = header.isGrey && (isGrey(behind) || !header.hasAlpha);
  const image = sharp(content, { failOn });
  const inColour = header.isGrey && !grey ? image.pipelineColourspace('srgb') : image;
  const { data, info } = await inColour
    .rotate()
    .flatten({ background: { r, g, b } })
    .resize(size.width, size.height, { fit: 'fill', kernel: size.kernel })
    .extract(keptPart(size, form.side))
    .toColourspace(grey ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const channels = info.channels === 1 ? (1 as const) : (3 as const);
  return { pixels: new Uint8Array(data), height: info.height, width: info.width, channels };
}

const uprightSize = ({ width, height, orientation }: Header) =>
  orientation >= 5 ? { width: height, height: width } : { width, height };
