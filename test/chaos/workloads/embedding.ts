import { join } from 'node:path';
import { embeddingPipeline, trained, trainedPipeline, writePhotos } from '../../e2e/embedded-photos.ts';
import { completeRun } from '../run.ts';
import type { World } from '../world.ts';
import { pipelineWorkload } from './pipeline.ts';

const [images, shardImages] = [240, 12] as const;
const photosOf = ({ folder }: World) => join(folder, 'photos');

/** Images in a folder are embedded by a model, and an index is made of them. */
export const embedding = pipelineWorkload({
  name: 'embedding',
  prepare: async (world) => {
    await writePhotos(photosOf(world), images, (at) => `${at}.png`);
    await completeRun(world, trained, trainedPipeline);
  },
  clear: async ({ store }) => {
    for (const { path } of await store.list('embedded')) await store.remove(path);
  },
  pipeline: async (world) => `${embeddingPipeline(photosOf(world), { shardImages, atOnce: 2 })}
  index: { uses: build-index, needs: [embed] }
`,
  outcome: ({ embed, index }) => ({ vectors: embed?.vectors, index: index?.index }),
});
