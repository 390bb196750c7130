import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { openSplit, prepareDataset, randomDraws } from '../../datasets/index.ts';
import { openStore, type Store } from '../../store/index.ts';

/** Images that are made, and the size of training. */
const images = 512;
const size = 224;
const [width, height] = [640, 480];

export interface Photos {
  readonly store: Store;
  readonly dataset: ArtifactRef;
  /** The very files that the data set keeps, one by one, as loaders of others read them. */
  readonly files: readonly string[];
}

/** Noise of several scales in colour: a JPEG of it is as large as one of a photo of that size, 25 to 30 kB at 256 pixels. */
async function writePhoto(path: string, seed: number): Promise<void> {
  const layers = await Promise.all(
    [4, 16, 64, 200].map(async (scale, layer) => {
      const [w, h] = [Math.ceil(width / scale) + 1, Math.ceil(height / scale) + 1];
      const draws = randomDraws(seed, 'photo', layer);
      const raw = Uint8Array.from({ length: w * h * 3 }, (_, at) => draws(at) >>> 24);
      return sharp(raw, { raw: { width: w, height: h, channels: 3 } })
        .resize(width, height, { fit: 'fill', kernel: 'cubic' })
        .raw()
        .toBuffer();
    }),
  );
  const weights = [0.12, 0.18, 0.3, 0.4];
  const mixed = Uint8Array.from(layers[0] ?? [], (_, at) =>
    layers.reduce((sum, layer, which) => sum + (weights[which] ?? 0) * (layer[at] ?? 0), 0),
  );
  await sharp(mixed, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toFile(path);
}

/** Makes a folder of photos, prepares it at 224 pixels, and takes out the files that the data set keeps. */
export async function makePhotos(folder: string): Promise<Photos> {
  for (const name of ['a', 'b']) await mkdir(join(folder, 'photos/train', name), { recursive: true });
  for (let index = 0; index < images; index++)
    await writePhoto(join(folder, 'photos/train', index % 2 === 0 ? 'a' : 'b', `${index}.jpg`), index);
  const store = openStore(join(folder, 'store'));
  const { ref } = await prepareDataset(
    store,
    prepareDataParameters.parse({
      dataset: 'image-folder',
      path: join(folder, 'photos'),
      size,
      fit: 'crop',
      validation: 0,
      test: 0,
    }),
    { cacheFolder: join(folder, 'cache') },
  );
  await mkdir(join(folder, 'kept'));
  const split = await openSplit(store, ref, 'train', undefined, { as: 'stored' });
  const files: string[] = [];
  for (let row = 0; row < split.count; row++) {
    const [content = new Uint8Array()] = (await split.readFiles?.(Int32Array.of(row))) ?? [];
    const path = join(folder, 'kept', `${row}.jpg`);
    await writeFile(path, content);
    files.push(path);
  }
  await split.close();
  return { store, dataset: ref, files };
}
