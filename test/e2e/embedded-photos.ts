import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { randomUint32 } from '../../datasets/random.ts';

/** The run whose encoder embeds. */
export const trained = 'trained';

export const trainedPipeline = `
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

/** A pipeline that embeds the images of a folder. */
export const embeddingPipeline = (
  folder: string,
  { shardImages, atOnce }: { readonly shardImages: number; readonly atOnce: number },
): string => `
name: embedding
steps:
  model: { uses: use-model, with: { run: ${trained} } }
  embed:
    uses: embed-images
    needs: [model]
    with: { images: { path: ${folder} }, shardImages: ${shardImages}, atOnce: ${atOnce} }
`;

/** Writes so many pictures of 32x32 pixels, each another one. @param nameOf a path in the folder, by number */
export async function writePhotos(folder: string, count: number, nameOf: (at: number) => string): Promise<void> {
  for (let at = 0; at < count; at++) {
    const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, place) => randomUint32(at, String(place % 61)) % 256);
    const file = join(folder, nameOf(at));
    await mkdir(dirname(file), { recursive: true });
    await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toFile(file);
  }
}
