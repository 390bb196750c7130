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
const mostAtATime = 3;
const places = createBudget(mostAtATime);

// No image is read twice, and what libvips keeps is memory.
sharp.cache(false);

/**
 * Reads an image and brings it to size while it is decoded: what is large is never in memory in full where its format allows
 * to shrink it on the way. It is turned as its EXIF data say, put on the form's background where it is transparent, turned to sRGB, and of several
 * pages the first is taken.
 *
 * @returns why it cannot be used, where it cannot
 */
export async function decodeFile(
  path: string,
  label: number,
  { digest, decodedBytes, bytes }: Inspected & { readonly bytes: number },
  form: Form,
): Promise<RawImage | { readonly rejected: string }> {
  const room = decodedBytes + bytes;
  const read = await places.spend(1, () =>
    budget.spend(room, async () => {
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
      return { content, image: await withoutWarning(content, form) };
    }),
  );
  if (read.content === undefined) return { rejected: read.rejected };
  const image = read.image ?? (await judged(read.content, form, room));
  return 'rejected' in image ? image : { ...image, label };
}

/** The same of an image file that is in memory. */
export async function decodeContent(
  content: Buffer,
  label: number,
  { decodedBytes }: Pick<Inspected, 'decodedBytes'>,
  form: Form,
): Promise<RawImage | { readonly rejected: string }> {
  const decoded = await places.spend(1, () => budget.spend(decodedBytes, () => withoutWarning(content, form)));
  const image = decoded ?? (await judged(content, form, decodedBytes));
  return 'rejected' in image ? image : { ...image, label };
}

type Decoded = Omit<RawImage, 'label'>;

/** @returns null where the decoder has anything to say against the file */
const withoutWarning = (content: Buffer, form: Form): Promise<Decoded | null> =>
  decode(content, form, 'warning').catch(() => null);

/**
 * An image of which the decoder says something: rejected where a part of the picture is missing, which the decoder fills with grey.
 * Other warnings, of bytes between segments or a colour profile say, are of no account.
 *
 * libvips has one text of errors for all threads, so nothing else is decoded meanwhile.
 */
const judged = (content: Buffer, form: Form, room: number): Promise<Decoded | { readonly rejected: string }> =>
  places.spend(mostAtATime, () =>
    budget.spend(room, async () => {
      try {
        return await decode(content, form, 'warning');
      } catch (error) {
        if (isMissingPart(error)) return { rejected: damageOf(error) };
      }
      try {
        return await decode(content, form, 'error');
      } catch (error) {
        return { rejected: damageOf(error) };
      }
    }),
  );

const isMissingPart = (error: unknown) =>
  error instanceof Error &&
  /premature end|bad huffman|invalid huffman|corrupt data|inconsistent progression/i.test(error.message);

/** In a thread. */
const digestOf = async (content: Buffer) => new Uint8Array(await crypto.subtle.digest('SHA-256', content));

async function decode(content: Buffer, form: Form, failOn: 'warning' | 'error'): Promise<Decoded> {
  const image = sharp(content, { failOn });
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
