import type { Neighbour } from '../../contracts/serving.ts';
import { embeddingProblem, type Hit } from '../../vectors/index.ts';
import { type Computed, queriesOf } from '../compute.ts';
import type { Admission } from './admission.ts';
import { HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';
import { requireImage, requireSize, whichOf } from './photos.ts';
import { createTurns } from './turns.ts';
import type { ServedNow } from './using-index.ts';

/** As many as the decoder works on at a time: what waits before it can still be given up. */
const decoding = createTurns(4);

/** Embeds the photos of a request, each in a batch with whatever else is asked. @throws HttpError for one that cannot be used */
export async function compute(
  served: ServedNow,
  photos: readonly Buffer[],
  {
    admission,
    limits,
    signal,
    client,
  }: {
    readonly admission: Admission;
    readonly limits: ServeLimits;
    readonly signal: AbortSignal;
    /** Who asks, as `clientOf` says. */
    readonly client: string;
  },
): Promise<readonly Computed[]> {
  const leave = admission.images(photos.length, client);
  const expectations = photos.map(() => served.batcher.expect());
  try {
    return await Promise.all(
      photos.map(async (photo, at) => {
        try {
          const pixels = await decoding.take(client, signal, () =>
            pixelsOf(served, photo, whichOf(at, photos.length), { limits, signal }),
          );
          signal.throwIfAborted();
          const answer = served.batcher.add(pixels, signal);
          expectations[at]?.();
          const computed = await answer;
          const problem = embeddingProblem(computed.embedding);
          if (problem !== null) throw new HttpError('UnusableImage', `${whichOf(at, photos.length)} ${problem}.`);
          return computed;
        } finally {
          expectations[at]?.();
        }
      }),
    );
  } finally {
    leave();
  }
}

async function pixelsOf(
  served: ServedNow,
  photo: Buffer,
  which: string,
  { limits, signal }: { readonly limits: ServeLimits; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  requireImage(photo, which);
  const read = await served.read(photo, {
    onHeader: (header) => requireSize(header, which, limits),
    milliseconds: limits.decodeMs,
    signal,
  });
  if ('rejected' in read) throw new HttpError('UnusableImage', `${which} ${read.rejected}.`);
  return read.pixels;
}

/** The rows of the index that are nearest to each photo, the nearest first; none without an index. @throws IndexFailure */
export async function neighboursOf(
  served: Pick<ServedNow, 'index' | 'by'>,
  computed: readonly Computed[],
  k: number,
): Promise<readonly (readonly Neighbour[])[]> {
  const { index } = served;
  if (!index) return computed.map(() => []);
  return Promise.all((await index.search(queriesOf(computed), k)).map((hits) => rowsOf(served, hits)));
}

/** What is known of rows that were found. @throws IndexFailure */
export async function rowsOf(
  { index, by }: Pick<ServedNow, 'index' | 'by'>,
  hits: readonly Hit[],
): Promise<readonly Neighbour[]> {
  if (!index) return [];
  const hasPictures = index.about.shards.some(({ pictures }) => pictures !== undefined);
  return Promise.all(
    hits.map(async ({ row, score }) => {
      const { name, label, group, category } = await index.row(row);
      return {
        ...{ row, name, score },
        ...(label === undefined ? {} : { label }),
        ...(group === undefined ? {} : { group }),
        ...(category === undefined ? {} : { category }),
        picture: hasPictures ? `/v1/pictures/${by.index}/${row}` : null,
      };
    }),
  );
}
