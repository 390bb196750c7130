import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { isMapping } from '../contracts/json.ts';
import { explained } from '../contracts/system-errors.ts';
import { smallestSide } from './fit.ts';
import { decodeContent, decodeFile } from './folder/decode.ts';
import { inspect, inspectContent, mostPixels } from './folder/inspect.ts';
import type { Form } from './form.ts';
import { lookedIn } from './looked-in.ts';
import { sha256 } from './row-digests.ts';
import type { RawImage } from './source.ts';

const bytesSchema = z.instanceof(Uint8Array);
const sideSchema = z.int().min(smallestSide);
const commonShape = {
  /** One of the classes of the data set. */
  class: z.string(),
  /** What to call it in messages. @default the name of its file, or its number */
  name: z.string().min(1).max(1000).optional(),
  /** @default drawn, by the hash of its bytes, or of its group, and the seed */
  split: z.enum(['train', 'validation', 'test']).optional(),
  /** Of what it is one of several, such as a product: with `split: { by: 'group' }` all images of one are on one side. */
  group: z.string().min(1).max(1000).optional(),
  /** A kind of image, such as where it comes from; it is kept with the image. */
  category: z.string().min(1).max(400).optional(),
  /** Its labels besides its class, by what they are of; what is absent, it has no label of. */
  labels: z.record(z.string(), z.string().min(1).max(300)).optional(),
};
const fileSchema = z.strictObject({
  ...commonShape,
  /** The path of an image file, or what is in one: PNG, JPEG, WebP, GIF, TIFF or AVIF. */
  file: z.union([z.string().min(1), bytesSchema], 'must be the path of an image file, or its bytes as a Uint8Array'),
});
const pixelsSchema = z
  .strictObject({
    ...commonShape,
    /** Bytes [height, width, channels]: rows from above, and in each the pixels from the left. */
    pixels: bytesSchema,
    height: sideSchema,
    width: sideSchema,
    channels: z.union([z.literal(1), z.literal(3)], 'must be 1 (grey) or 3 (red, green, blue)'),
  })
  .check(({ value: { pixels, height, width, channels }, issues }) => {
    const refuse = (path: string, message: string) =>
      void issues.push({ code: 'custom', input: undefined, path: [path], message });
    const bytes = height * width * channels;
    if (height * width > mostPixels) refuse('height', `height x width must be at most ${mostPixels / 1e6} megapixels`);
    else if (pixels.length !== bytes)
      refuse('pixels', `must have height x width x channels = ${bytes} bytes, not ${pixels.length}`);
  });

/** An image for a data set: a file, or pixels. */
export type GivenImage = z.infer<typeof fileSchema> | z.infer<typeof pixelsSchema>;

/** An image as it was read, with the SHA-256 of what it was read from. */
interface ReadImage {
  readonly image: RawImage;
  readonly source: Uint8Array;
}

/** Checks the form of an image. @throws ContrailError InvalidInput */
export function parseImage(given: GivenImage, number: number): GivenImage {
  const parsed = (isMapping(given) && 'file' in given ? fileSchema : pixelsSchema).safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ContrailError('InvalidInput', `image ${number} cannot be added: ${z.prettifyError(parsed.error)}`);
}

/**
 * Reads an image that was given.
 *
 * @returns why it cannot be used, where it cannot
 * @throws ContrailError InvalidInput for a path at which there is nothing
 */
export async function readGiven(
  given: GivenImage,
  label: number,
  form: Form,
): Promise<ReadImage | { readonly rejected: string }> {
  if ('pixels' in given) {
    const { height, width, channels } = given;
    // The caller may use its memory again.
    const pixels = given.pixels.slice();
    return { image: { pixels, height, width, channels, label }, source: sha256(pixels) };
  }
  return typeof given.file === 'string'
    ? readPath(given.file, label, form)
    : readContent(Buffer.from(given.file), label, form);
}

async function readPath(path: string, label: number, form: Form) {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new ContrailError(
      'InvalidInput',
      `${path} cannot be added: ${explained(cause)?.message ?? cause}${lookedIn(path)}`,
      {
        cause,
      },
    );
  });
  const found = await inspect(path);
  if (typeof found === 'string') return { rejected: found };
  return withSource(await decodeFile(path, label, { ...found, bytes: size }, form), found.digest);
}

async function readContent(content: Buffer, label: number, form: Form) {
  const found = await inspectContent(content);
  if (typeof found === 'string') return { rejected: found };
  return withSource(await decodeContent(content, label, found, form), found.digest);
}

const withSource = (image: RawImage | { readonly rejected: string }, source: Uint8Array) =>
  'rejected' in image ? image : { image, source };
