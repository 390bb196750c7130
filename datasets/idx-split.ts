import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { formatBytes } from '../contracts/limits.ts';
import { smallestSide } from './fit.ts';
import { decodeIdx } from './idx.ts';
import { mostFileBytes, readIfThere } from './read-file.ts';
import { digestsOf } from './row-digests.ts';
import type { RawSplit } from './source.ts';

/**
 * Grey images and their labels, from two IDX files, gzipped (`.gz`) or not.
 *
 * @param names of the two files as they may be, the likeliest first
 * @param classes how many there are
 * @throws ContrailError InvalidDataset when a file is missing or unsound, or a label is past the classes
 */
export async function readIdxSplit(
  folder: string,
  names: { readonly images: readonly string[]; readonly labels: readonly string[] },
  classes: number,
): Promise<RawSplit> {
  const imagesFile = await readFirst(folder, names.images);
  const labelsFile = await readFirst(folder, names.labels);
  const images = decodeIdx(imagesFile.bytes, 3, imagesFile.path);
  const labels = decodeIdx(labelsFile.bytes, 1, labelsFile.path);
  const [count = 0, height = 0, width = 0] = images.sizes;
  if (count === 0) throw new ContrailError('InvalidDataset', `${imagesFile.path} has no image.`);
  if (Math.min(height, width) < smallestSide)
    throw new ContrailError(
      'InvalidDataset',
      `${imagesFile.path}: images are ${height}x${width}; at least ${smallestSide}x${smallestSide} is needed.`,
    );
  if (labels.data.length !== count)
    throw new ContrailError(
      'InvalidDataset',
      `${labelsFile.path} has ${times(labels.data.length, 'label')} for ${times(count, 'image')}.`,
    );
  const unknown = labels.data.findIndex((label) => label >= classes);
  if (unknown >= 0)
    throw new ContrailError(
      'InvalidDataset',
      `${labelsFile.path}: label ${labels.data[unknown]} of image ${unknown} is not from 0 to ${classes - 1}.`,
    );
  const size = height * width;
  const pixelsOf = (index: number) => images.data.subarray(index * size, (index + 1) * size);
  return {
    count,
    digests: await digestsOf(count, pixelsOf),
    labels: Int32Array.from(labels.data),
    nameOf: (index) => `${names.images[0]}[${index}]`,
    read: async (index) => ({
      pixels: pixelsOf(index),
      height,
      width,
      channels: 1,
      label: labels.data[index] ?? 0,
    }),
  };
}

async function readFirst(folder: string, names: readonly string[]): Promise<{ path: string; bytes: Uint8Array }> {
  for (const name of names) {
    const path = join(folder, name);
    const bytes = await readIfThere(path);
    if (bytes) return { path, bytes: name.endsWith('.gz') ? await unzipped(path, bytes) : bytes };
  }
  throw new ContrailError('InvalidDataset', `${folder} has neither ${names.join(' nor ')}.`);
}

async function unzipped(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: mostFileBytes });
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new ContrailError(
        'InvalidDataset',
        `${path} has more than ${formatBytes(mostFileBytes)} when it is unpacked.`,
        {
          cause,
        },
      );
    throw new ContrailError('InvalidDataset', `${path} is not a sound gzip file.`, { cause });
  }
}
