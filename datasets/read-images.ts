import { ContrailError } from '../contracts/errors.ts';
import { inChannels } from './channels.ts';
import { fitImage } from './fit.ts';
import { digestAt } from './row-digests.ts';
import type { PreparationOptions, RawSplit } from './source.ts';

/** Images decoded at a time. */
const concurrency = 16;

/** An image brought to size: bytes [32, 32, channels]. */
export interface PreparedImage {
  readonly pixels: Uint8Array;
  readonly channels: 1 | 3;
  readonly label: number;
  /** SHA-256 of what it was read from. */
  readonly source: Uint8Array;
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
 * @param maximumRejected how many may stand there
 * @throws ContrailError InvalidDataset when there are more, naming the first
 */
export async function* readImages(
  split: RawSplit,
  rows: readonly number[],
  {
    phase,
    fit,
    channels,
    rejected,
    maximumRejected,
  }: {
    readonly phase: string;
    readonly fit: 'pad' | 'resize';
    /** What every image is turned into; as it is where absent. */
    readonly channels?: 1 | 3 | undefined;
    readonly rejected: RejectedImage[];
    readonly maximumRejected: number;
  },
  { onProgress, signal }: PreparationOptions,
): AsyncGenerator<PreparedImage> {
  const read = async (row: number): Promise<PreparedImage | RejectedImage> => {
    const image = await split.read(row);
    if ('rejected' in image) return { path: split.nameOf(row), reason: image.rejected };
    const pixels = await fitImage(image, fit);
    return {
      ...inChannels({ pixels, channels: image.channels }, channels ?? image.channels),
      label: image.label,
      source: digestAt(split.digests, row),
    };
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
      if ('reason' in image) {
        rejected.push(image);
        if (rejected.length > maximumRejected) throw tooMany(rejected, maximumRejected);
      } else yield image;
      if (done % 500 === 0 || done === rows.length) {
        onProgress?.({ phase, done, total: rows.length });
        await new Promise(setImmediate);
      }
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}

function tooMany(rejected: readonly RejectedImage[], maximum: number): ContrailError {
  const listed = rejected.slice(0, 5).map(({ path, reason }) => `  ${path} ${reason}`);
  const more = rejected.length > 5 ? [`  and ${rejected.length - 5} more`] : [];
  return new ContrailError(
    'InvalidDataset',
    [
      `More than ${maximum} images cannot be used (maximumRejected). Mend or remove them, or raise it:`,
      ...listed,
      ...more,
    ].join('\n'),
  );
}
