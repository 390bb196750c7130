import { ContrailError } from '../../contracts/errors.ts';
import { type DecodeLimits, DecoderGaveUp, decodePixels, type Header, readHeader } from '../decoders/index.ts';
import { padToSide } from '../fit.ts';
import type { Form } from '../form.ts';
import { readRegular } from '../read-file.ts';
import type { RawImage } from '../source.ts';
import { createBudget } from './budget.ts';
import { damageOf, type Inspected, notAFile } from './inspect.ts';
import { reasonOf } from './walk.ts';

/** Files and decoded images in memory at a time, by bytes and by number: libvips shares four threads with the file system. */
const budget = createBudget(192 * 2 ** 20);
const mostAtATime = 3;
const places = createBudget(mostAtATime);

/**
 * Reads an image and brings it to a form, as `decodeHere` does.
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
      return { content, image: await withoutWarning(content, { form }) };
    }),
  );
  if (read.content === undefined) return { rejected: read.rejected };
  const image = read.image ?? (await judged(read.content, { form }, room));
  return 'rejected' in image ? image : { ...image, label };
}

/** The same of an image file that is in memory. @throws the reason of `limits.signal` */
export async function decodeContent(
  content: Buffer,
  label: number,
  { decodedBytes, header }: Pick<Inspected, 'decodedBytes'> & { readonly header?: Header },
  form: Form,
  limits: DecodeLimits = {},
): Promise<RawImage | { readonly rejected: string }> {
  const how = { form, header, limits };
  const decoded = await places.spend(1, () => budget.spend(decodedBytes, () => withoutWarning(content, how)));
  const image = decoded ?? (await judged(content, how, decodedBytes));
  return 'rejected' in image ? image : { ...image, label };
}

type Decoded = Omit<RawImage, 'label'>;

interface How {
  readonly form: Form;
  readonly header?: Header | undefined;
  readonly limits?: DecodeLimits;
}

/** @returns null where the decoder has anything to say against the file */
async function withoutWarning(content: Buffer, how: How): Promise<Decoded | { readonly rejected: string } | null> {
  try {
    return await decode(content, how, 'warning');
  } catch (error) {
    requireOfFile(error, how);
    // Another try would take as long.
    return error instanceof DecoderGaveUp ? { rejected: error.message } : null;
  }
}

/**
 * An image of which the decoder says something: rejected where a part of the picture is missing, which the decoder fills with grey.
 * Other warnings, of bytes between segments or a colour profile say, are of no account.
 *
 * libvips has one text of errors for all threads, so nothing else is decoded meanwhile.
 */
const judged = (content: Buffer, how: How, room: number): Promise<Decoded | { readonly rejected: string }> =>
  places.spend(mostAtATime, () =>
    budget.spend(room, async () => {
      try {
        return await decode(content, how, 'warning');
      } catch (error) {
        requireOfFile(error, how);
        if (isMissingPart(error) || error instanceof DecoderGaveUp) return { rejected: damageOf(error) };
      }
      try {
        return await decode(content, how, 'error');
      } catch (error) {
        requireOfFile(error, how);
        return { rejected: damageOf(error) };
      }
    }),
  );

/** @throws what is not said of the file: that nobody waits for it any more, or that no decoder could be started */
function requireOfFile(error: unknown, { limits }: How): void {
  limits?.signal?.throwIfAborted();
  if (error instanceof ContrailError) throw error;
}

const isMissingPart = (error: unknown) =>
  error instanceof Error &&
  /premature end|bad huffman|invalid huffman|corrupt data|inconsistent progression/i.test(error.message);

/** In a thread. */
const digestOf = async (content: Buffer) => new Uint8Array(await crypto.subtle.digest('SHA-256', content));

async function decode(content: Buffer, { form, header, limits }: How, failOn: 'warning' | 'error'): Promise<Decoded> {
  const known = header ?? (await readHeader(content, limits));
  return padToSide(await decodePixels(content, known, { form, failOn }, limits), form);
}
