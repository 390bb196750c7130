import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type IndexAbout, type IndexSettings, indexSettingsSchema } from '../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { createArtifactWriter, readAbout, type Store } from '../../store/index.ts';
import { readPictures, readShardRows, readVectors } from '../shards.ts';
import { allFinite, unitLength } from '../unit-length.ts';
import { indexShardWriter } from './shard-writer.ts';

/**
 * Builds an index of embedded images. It computes and reads where it is called; `buildInProcess` does it elsewhere.
 *
 * @throws ContrailError InvalidInput where there is nothing to search in, CorruptArtifact, StoreUnreadable
 */
export async function buildIndex(
  store: Store,
  vectors: ArtifactRef,
  settings: Partial<IndexSettings> = {},
): Promise<ArtifactRef> {
  const source = await readAbout(store, vectors, vectorsAboutSchema);
  if (source.count === 0)
    throw new ContrailError('InvalidInput', 'There is no embedded image to build an index of. Embed some first.');
  const { dimension } = source;
  const writer = createArtifactWriter(store, 'index');
  try {
    const shards = indexShardWriter(writer, dimension);
    for (const shard of source.shards) {
      const embeddings = await readVectors(store, vectors, shard, dimension);
      if (!allFinite(embeddings))
        throw new ContrailError('InvalidInput', 'An embedding has a number that is infinite or not a number.');
      await shards.add({
        embeddings: unitLength(embeddings, dimension),
        rows: await readShardRows(store, vectors, shard),
        pictures: (await readPictures(store, vectors, shard)) ?? undefined,
      });
    }
    const about: IndexAbout = {
      encoder: source.encoder,
      dimension,
      count: source.count,
      method: 'exact',
      settings: indexSettingsSchema.parse(settings),
      recall: { k: 10, value: 1, queries: 0 },
      shards: [...(await shards.finish())],
    };
    return await writer.finish(about);
  } finally {
    await writer.discard();
  }
}
