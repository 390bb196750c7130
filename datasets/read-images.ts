import { inChannels, inColour } from './channels.ts';
import { fitImage } from './fit.ts';
import { digestAt, sha256 } from './row-digests.ts';
import type { PreparationOptions, RawSplit } from './source.ts';

/** Images under way at a time. */
const concurrency = 16;

/** An image brought to size: bytes [32, 32, channels]. */
export interface PreparedImage {
  readonly pixels: Uint8Array;
  readonly channels: 1 | 3;
  readonly label: number;
  /** What to call it in a message. */
  readonly name: string;
  /** SHA-256 of what it was read from, and of its pixels in three channels. */
  readonly digests: { readonly source: Uint8Array; readonly pixels: Uint8Array };
}

/** A file that cannot be used, and why. */
export interface RejectedImage {
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads the given rows of a split in their order, however long each takes, and leaves out what cannot be used.
 *
 * @param rejected what could not be used is added here
 */
export async function* readImages(
  split: RawSplit,
  rows: readonly number[],
  {
    phase,
    fit,
    channels,
    rejected,
  }: {
    readonly phase: string;
    readonly fit: 'pad' | 'resize';
    /** What every image is turned into; as it is where absent. */
    readonly channels?: 1 | 3 | undefined;
    readonly rejected: RejectedImage[];
  },
  { onProgress, signal }: Pick<PreparationOptions, 'onProgress' | 'signal'>,
): AsyncGenerator<PreparedImage> {
  const read = async (row: number): Promise<PreparedImage | RejectedImage> => {
    const image = await split.read(row);
    const name = split.nameOf(row);
    if ('rejected' in image) return { path: name, reason: image.rejected };
    const pixels = await fitImage(image, fit);
    const prepared = inChannels({ pixels, channels: image.channels }, channels ?? image.channels);
    const inThree = prepared.channels === 3 ? prepared.pixels : inColour(prepared.pixels);
    const digests = { source: digestAt(split.digests, row), pixels: sha256(inThree) };
    return { ...prepared, label: image.label, name, digests };
  };
  const underWay: Promise<PreparedImage | RejectedImage>[] = [];
  let started = 0;
  try {
    for (let done = 1; done <= rows.length; done++) {
      signal?.throwIfAborted();
      for (; started < rows.length && underWay.length < concurrency; started++) {
        const reading = read(rows[started] ?? 0);
        // It is awaited when its turn comes.
        reading.catch(() => {});
        underWay.push(reading);
      }
      const image = (await underWay.shift()) as PreparedImage | RejectedImage;
      if ('reason' in image) rejected.push(image);
      else yield image;
      if (done % 500 === 0 || done === rows.length) {
        onProgress?.({ phase, done, total: rows.length });
        await new Promise(setImmediate);
      }
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}
