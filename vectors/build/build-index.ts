import type { z } from 'zod';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { indexSettingsSchema } from '../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { readAbout, type Store } from '../../store/index.ts';
import type { BuildOptions } from './progress.ts';
import { rowsOf } from './rows.ts';
import { type WrittenIndex, writeIndex } from './write-index.ts';

/**
 * Builds an index of embedded images. It computes where it is called, for minutes where there are many; `runIndexJob` does it in a
 * process of its own.
 *
 * @throws ContrailError InvalidInput where there is nothing to search in or the wanted recall cannot be reached, CorruptArtifact,
 * StoreUnreadable
 */
export async function buildIndex(
  store: Store,
  vectors: ArtifactRef,
  settings: z.input<typeof indexSettingsSchema> = {},
  options: BuildOptions = {},
): Promise<WrittenIndex> {
  const { encoder, dimension, shards, count } = await readAbout(store, vectors, vectorsAboutSchema);
  if (count === 0)
    throw new ContrailError('InvalidInput', 'There is no embedded image to build an index of. Embed some first.');
  const rows = rowsOf(store, [{ ref: vectors, shards, dimension }]);
  const index = { encoder, dimension, settings: indexSettingsSchema.parse(settings) };
  return writeIndex(store, rows, index, null, options);
}
