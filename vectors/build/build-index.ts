import type { z } from 'zod';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { indexSettingsSchema, type Unusable } from '../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { readAbout, type Store } from '../../store/index.ts';
import type { BuildOptions } from './progress.ts';
import { rowsOf } from './rows.ts';
import { unusableRows } from './unusable-rows.ts';
import { type WrittenIndex, writeIndex } from './write-index.ts';

/** How the images of a source are called. */
export interface NamedRows {
  /** Is put before the name of each. */
  readonly prefix?: string | undefined;
}

/** An index that was built, and images that were left out of it. */
export interface BuiltIndex extends WrittenIndex {
  readonly unusable: Unusable;
}

/**
 * Builds an index of embedded images. It computes where it is called, for minutes where there are many; `runIndexJob` does it in a
 * process of its own. Images whose embedding has no direction are left out, and told.
 *
 * @throws ContrailError InvalidInput where there is nothing to search in or the wanted recall cannot be reached, CorruptArtifact,
 * StoreUnreadable
 */
export async function buildIndex(
  store: Store,
  vectors: ArtifactRef,
  settings: z.input<typeof indexSettingsSchema> = {},
  { prefix, ...options }: NamedRows & BuildOptions = {},
): Promise<BuiltIndex> {
  const { encoder, dimension, shards, count } = await readAbout(store, vectors, vectorsAboutSchema);
  if (count === 0)
    throw new ContrailError('InvalidInput', 'There is no embedded image to build an index of. Embed some first.');
  const source = { ref: vectors, shards, dimension, prefix };
  const unusable = await unusableRows(store, source);
  if (unusable.rows.size === count) throw noneUsable(unusable.told);
  const rows = rowsOf(store, [{ ...source, keep: (row) => !unusable.rows.has(row) }]);
  const index = { encoder, dimension, settings: indexSettingsSchema.parse(settings) };
  return { ...(await writeIndex(store, rows, index, null, options)), unusable: unusable.told };
}

const noneUsable = ({ count, first: [one] }: Unusable) =>
  new ContrailError(
    'InvalidInput',
    `None of ${times(count, 'embedding')} can be searched: ${one?.name ?? 'the first'} ${one?.reason ?? ''}. An encoder whose training has diverged or collapsed gives such. Train it anew.`,
  );
