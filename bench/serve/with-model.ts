import { join } from 'node:path';
import sharp from 'sharp';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { openStore, type Store } from '../../store/index.ts';
import { withFolder } from '../folder.ts';
import { prepareData } from '../training-run.ts';
import { type BenchModel, trainModel } from './model.ts';

/** What a table of servers is measured with. */
export interface ServedModel {
  readonly folder: string;
  readonly store: Store;
  readonly storeUrl: string;
  readonly dataset: ArtifactRef;
  readonly train: (seed: number) => Promise<BenchModel>;
  /** A JPEG file of 256x256. */
  readonly photo: string;
}

const side = 256;

/** Data, models and a photo in a folder that is gone afterwards. */
export const withModel = <T>(work: (served: ServedModel) => Promise<T>): Promise<T> =>
  withFolder(async (folder) => {
    const storeUrl = join(folder, 'store');
    const store = openStore(storeUrl);
    const dataset = await prepareData(store, 400, folder);
    const photo = join(folder, 'photo.jpg');
    const noise = Buffer.from(
      Array.from({ length: 16 * 16 * 3 }, (_, at) => (Math.imul(at + 1, 2654435761) >>> 24) & 255),
    );
    await sharp(noise, { raw: { width: 16, height: 16, channels: 3 } })
      .resize(side, side)
      .jpeg({ quality: 90 })
      .toFile(photo);
    return work({ folder, store, storeUrl, dataset, photo, train: (seed) => trainModel(store, dataset, seed) });
  });
