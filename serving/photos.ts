import type { EncoderAbout } from '../contracts/encoder.ts';
import { formOfEncoder, type Photo, readPhoto } from '../datasets/index.ts';

/** Brings the content of a photo's file to the pixels that an encoder takes; says why it cannot be used, where it cannot. */
export type PhotoReader = (
  content: Buffer,
  limits?: Parameters<typeof readPhoto>[2],
) => Promise<Photo | { readonly rejected: string }>;

/** Reads photos for an encoder, so that it sees them as it saw the images that it was trained on. */
export function photoReader(encoder: Pick<EncoderAbout, 'image' | 'form'>): PhotoReader {
  const form = formOfEncoder(encoder);
  return (content, limits) => readPhoto(content, form, limits);
}
