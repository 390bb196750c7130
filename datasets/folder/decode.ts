import sharp, { type Metadata } from 'sharp';
import { fittedSize, keptPart, padToSide } from '../fit.ts';
import { type Form, isGrey } from '../form.ts';
import { readRegular } from '../read-file.ts';
import type { RawImage } from '../source.ts';
import { createBudget } from './budget.ts';
import { damageOf, type Inspected, notAFile } from './inspect.ts';
import { reasonOf } from './walk.ts';

/** Files and decoded images in memory at a time, by bytes and by number: libvips shares four threads with the file system. */
const budget = createBudget(192 * 2 ** 20);
const places = createBudget(3);

// No image is read twice, and what libvips keeps is memory.
sharp.cache(false);

/**
 * Reads an image and brings it to size while it is decoded: what is large is never in memory in full where its format allows
 * to shrink it on the way. It is turned as its EXIF data say, put on the form's background where it is transparent, turned to sRGB, and of several
 * pages the first is taken.
 *
 * @returns why it cannot be used, where it cannot
 */
export function decodeFile(
  path: string,
  label: number,
  { digest, decodedBytes, bytes }: Inspected & { readonly bytes: number },
  form: Form,
): Promise<RawImage | { readonly rejected: string }> {
  return places.spend(1, () =>
    budget.spend(decodedBytes + bytes, async () => {
      let content: Buffer | null;
      try {
        content = await readRegular(path);
      } catch (error) {
        return { rejected: reasonOf(error) };
      }
      if (!content) return { rejected: notAFile };
      // What was split by its digest and what is decoded are the same bytes.
      if (Buffer.compare(await digestOf(content), digest) !== 0)
        return { rejected: 'changed while the folder was read' };
      return decodeOrReject(content, label, form);
    }),
  );
}

/** The same of an image file that is in memory. */
export const decodeContent = (
  content: Buffer,
  label: number,
  { decodedBytes }: Pick<Inspected, 'decodedBytes'>,
  form: Form,
): Promise<RawImage | { readonly rejected: string }> =>
  places.spend(1, () => budget.spend(decodedBytes, () => decodeOrReject(content, label, form)));

async function decodeOrReject(content: Buffer, label: number, form: Form) {
  try {
    return { ...(await decode(content, form)), label };
  } catch (error) {
    return { rejected: damageOf(error) };
  }
}

/** In a thread. */
const digestOf = async (content: Buffer) => new Uint8Array(await crypto.subtle.digest('SHA-256', content));

async function decode(content: Buffer, form: Form): Promise<Omit<RawImage, 'label'>> {
  const image = sharp(content, { failOn: 'error' });
  const metadata = await image.metadata();
  const size = fittedSize(uprightSize(metadata), form);
  const { behind } = form.background;
  const [r, g, b] = behind;
  // A colour behind a transparent grey image would be lost in grey.
  const grey = isGreySpace(metadata.space) && (isGrey(behind) || !metadata.hasAlpha);
  const inColour = isGreySpace(metadata.space) && !grey ? image.pipelineColourspace('srgb') : image;
  const { data, info } = await inColour
    .rotate()
    .flatten({ background: { r, g, b } })
    .resize(size.width, size.height, { fit: 'fill', kernel: size.kernel })
    .extract(keptPart(size, form.side))
    .toColourspace(grey ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const channels = info.channels === 1 ? (1 as const) : (3 as const);
  return padToSide({ pixels: new Uint8Array(data), height: info.height, width: info.width, channels }, form);
}

const isGreySpace = (space: Metadata['space']) => space === 'b-w' || space === 'grey16';

/** Orientations from 5 on lie on their side. */
const uprightSize = ({ width = 0, height = 0, orientation = 1 }: Metadata) =>
  orientation >= 5 ? { width: height, height: width } : { width, height };
