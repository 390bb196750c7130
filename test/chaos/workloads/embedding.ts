import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { randomUint32 } from '../../../datasets/random.ts';
import { completeRun } from '../run.ts';
import type { World } from '../world.ts';
import { pipelineWorkload } from './pipeline.ts';

const [images, side, shardImages] = [240, 32, 12] as const;
const trained = 'trained';

const training = `
name: trained
steps:
  data:
    uses: prepare-data
    with: { dataset: generated, generated: { classes: 3, images: 200, channels: 3 } }
  pretrain:
    uses: pretrain
    needs: [data]
    with: { encoder: { name: small-resnet, channels: 4, blocks: [1, 1] }, projection: { hidden: 16, output: 8 }, batch: 32, epochs: 1 }
`;

const photosOf = ({ folder }: World) => join(folder, 'photos');

/** Images in a folder are embedded by a model, and an index is made of them. */
export const embedding = pipelineWorkload({
  name: 'embedding',
  prepare: async (world) => {
    await mkdir(photosOf(world));
    for (let at = 0; at < images; at++) {
      const pixels = Uint8Array.from(
        { length: side * side * 3 },
        (_, place) => randomUint32(at, String(place % 61)) % 256,
      );
      await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
        .png()
        .toFile(join(photosOf(world), `${at}.png`));
    }
    await completeRun(world, trained, training);
  },
  clear: async ({ store }) => {
    for (const { path } of await store.list('embedded')) await store.remove(path);
  },
  pipeline: async (world) => `
name: embedding
steps:
  model: { uses: use-model, with: { run: ${trained} } }
  embed:
    uses: embed-images
    needs: [model]
    with: { images: { path: ${photosOf(world)} }, shardImages: ${shardImages}, atOnce: 2 }
  index: { uses: build-index, needs: [embed] }
`,
  outcome: ({ embed, index }) => ({ vectors: embed?.vectors, index: index?.index }),
});
