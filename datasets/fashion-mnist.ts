import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ContrailError } from '../contracts/errors.ts';
import { fashionMnistFiles, findFashionMnist } from './fashion-mnist-files.ts';
import { decodeIdx } from './idx.ts';
import type { PreparationOptions, RawDataset, RawSplit } from './source.ts';

/** Zalando's classes, in the order of their labels. */
const classes = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

/**
 * Fashion-MNIST: 60,000 and 10,000 grey product images of 28x28 (arXiv:1708.07747).
 *
 * @param path a folder with the four IDX files, gzipped or not; where absent, they are found or fetched
 */
export async function fashionMnist(path: string | undefined, options: PreparationOptions): Promise<RawDataset> {
  const folder = path ?? (await findFashionMnist(options));
  const train = await readSplit(folder, fashionMnistFiles.trainImages.name, fashionMnistFiles.trainLabels.name);
  const test = await readSplit(folder, fashionMnistFiles.testImages.name, fashionMnistFiles.testLabels.name);
  return { name: 'fashion-mnist', classes, train, test };
}

async function readSplit(folder: string, imagesName: string, labelsName: string): Promise<RawSplit> {
  const images = decodeIdx(await readMaybeGzipped(folder, imagesName), 3, join(folder, imagesName));
  const labels = decodeIdx(await readMaybeGzipped(folder, labelsName), 1, join(folder, labelsName));
  const [count = 0, height = 0, width = 0] = images.sizes;
  if (labels.data.length !== count)
    throw new ContrailError(
      'InvalidDataset',
      `${join(folder, labelsName)} has ${labels.data.length} labels for ${count} images.`,
    );
  const unknown = labels.data.findIndex((label) => label >= classes.length);
  if (unknown >= 0)
    throw new ContrailError(
      'InvalidDataset',
      `${join(folder, labelsName)}: label ${labels.data[unknown]} of image ${unknown} is not from 0 to ${classes.length - 1}.`,
    );
  const size = height * width;
  return {
    count,
    labels: Int32Array.from(labels.data),
    nameOf: (index) => `${imagesName}[${index}]`,
    read: async (index) => ({
      pixels: images.data.subarray(index * size, (index + 1) * size),
      height,
      width,
      channels: 1,
      label: labels.data[index] ?? 0,
    }),
  };
}

async function readMaybeGzipped(folder: string, name: string): Promise<Uint8Array> {
  const plain = name.replace(/\.gz$/, '');
  for (const candidate of [name, plain]) {
    const bytes = await readFile(join(folder, candidate)).catch(() => null);
    if (!bytes) continue;
    if (!candidate.endsWith('.gz')) return bytes;
    try {
      return await promisify(gunzip)(bytes);
    } catch (error) {
      throw new ContrailError('InvalidDataset', `${join(folder, candidate)} is not a sound gzip file.`, {
        cause: error,
      });
    }
  }
  throw new ContrailError('InvalidDataset', `${folder} has neither ${name} nor ${plain}.`);
}
