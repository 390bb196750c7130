import { createReadStream } from 'node:fs';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { IndexAbout, IndexMethod, IndexSettings } from '../../contracts/vector-index.ts';
import { createArtifactWriter, type Store } from '../../store/index.ts';
import { encodedKeys, keysFile } from '../graph/keys.ts';
import { vectorShardWriter } from '../shard-writer.ts';
import type { GraphBefore } from './fill-graph.ts';
import { emptyIfForgotten } from './forgotten-meanwhile.ts';
import { withGraph } from './make-graph.ts';
import type { BuildOptions } from './progress.ts';
import { recallAt } from './recall.ts';
import type { RowsOfSources } from './rows.ts';

/** Up to so many vectors a search by all products takes 2 ms at 512 numbers, and has no graph that could miss any. */
const mostExact = 20_000;

const graphFile = 'graph.usearch';

export const methodFor = (count: number, { method }: Pick<IndexSettings, 'method'>): IndexMethod =>
  method === 'auto' ? (count <= mostExact ? 'exact' : 'approximate') : method;

/** An index that was written. */
export interface WrittenIndex {
  readonly index: ArtifactRef;
  readonly about: IndexAbout;
}

/** Writes the index of rows: its shards, and the graph where it has one. @throws ContrailError RunFailed where an image of them was forgotten meanwhile */
export async function writeIndex(
  store: Store,
  rows: RowsOfSources,
  index: Pick<IndexAbout, 'encoder' | 'dimension' | 'settings' | 'parent'>,
  before: GraphBefore | null,
  { threads = 1, onProgress = () => {}, folder }: BuildOptions,
): Promise<WrittenIndex> {
  const { encoder, dimension, settings, parent } = index;
  const { count } = rows;
  const method = methodFor(count, settings);
  const writer = createArtifactWriter(store, 'index');
  try {
    const shards = vectorShardWriter(writer);
    let done = 0;
    for await (const content of rows.contents()) {
      await shards.add(content);
      done += content.rows.length;
      onProgress({ phase: 'rows', done, total: count });
    }
    const written = [...(await shards.finish())];
    const finish = async (
      made: Pick<IndexAbout, 'recall'> & { readonly graph?: IndexAbout['graph'] },
    ): Promise<WrittenIndex> => {
      const about: IndexAbout = {
        encoder,
        dimension,
        count,
        method,
        settings,
        ...(made.graph ? { graph: made.graph } : {}),
        recall: made.recall,
        shards: written,
        ...(parent ? { parent } : {}),
      };
      const index = await writer.finish(about);
      await emptyIfForgotten(store, index, about, rows.sources);
      return { index, about };
    };
    if (method === 'exact') return await finish({ recall: { k: recallAt, value: 1, queries: 0 } });
    const shape = { ...settings, dimension };
    return await withGraph(
      rows,
      before,
      shape,
      { threads, onProgress, folder },
      async ({ file, keys, nodes, ...made }) => {
        await writer.add(graphFile, createReadStream(file));
        await writer.add(keysFile, encodedKeys(keys));
        const { expansionSearch, hard, recall } = made;
        const graph = { file: graphFile, keys: keysFile, nodes, expansionSearch, ...(hard > 0 ? { hard } : {}) };
        return finish({ recall, graph });
      },
    );
  } finally {
    await writer.discard();
  }
}
