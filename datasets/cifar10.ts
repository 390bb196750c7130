import { join } from 'node:path';
import { times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { rootOf } from './folder/root.ts';
import { isThere, readIfThere } from './read-file.ts';
import { digestsOf } from './row-digests.ts';
import type { RawDataset, RawSplit } from './source.ts';

const side = 32;
const plane = side * side;
/** A label, then a red, a green and a blue plane. */
const record = 1 + 3 * plane;
const trainFiles = ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'];
const everyFile = [...trainFiles, 'test_batch.bin'];
const defaultClasses = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/**
 * CIFAR-10 in its binary form (Krizhevsky 2009), from the folder of the .bin files or the one above it.
 *
 * @throws ContrailError InvalidDataset when a file is missing, cut short, or has a label past 9
 */
export async function cifar10(path: string): Promise<RawDataset> {
  const root = await rootOf(path, `It should hold ${everyFile.join(', ')}.`);
  const inner = join(root, 'cifar-10-batches-bin');
  const folder = (await isThere(join(inner, 'test_batch.bin'))) ? inner : root;
  const train = await readRecords(folder, trainFiles);
  const test = await readRecords(folder, ['test_batch.bin']);
  return { name: 'cifar10', classes: await classNames(folder), root, train, test };
}

async function classNames(folder: string): Promise<string[]> {
  const path = join(folder, 'batches.meta.txt');
  const text = await readIfThere(path);
  if (!text) return defaultClasses;
  const names = text
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (new Set(names).size === 10 && names.length === 10) return names;
  throw new ContrailError(
    'InvalidDataset',
    `${path} names ${times(names.length, 'class', 'classes')}; 10 different ones are needed, one a line. Without the file they have their usual names.`,
  );
}

async function readRecords(folder: string, files: readonly string[]): Promise<RawSplit> {
  const parts: Uint8Array[] = [];
  const origin: { file: string; first: number }[] = [];
  let count = 0;
  for (const file of files) {
    const bytes = await readIfThere(join(folder, file));
    if (!bytes)
      throw new ContrailError(
        'InvalidDataset',
        `${join(folder, file)} is missing. CIFAR-10's binary form has ${everyFile.join(', ')}.`,
      );
    if (bytes.length === 0 || bytes.length % record !== 0)
      throw new ContrailError(
        'InvalidDataset',
        `${join(folder, file)} has ${bytes.length} bytes, which is not a whole number of ${record}-byte records.`,
      );
    origin.push({ file, first: count });
    parts.push(bytes);
    count += bytes.length / record;
  }
  const all = Buffer.concat(parts);
  const labels = Int32Array.from({ length: count }, (_, index) => all[index * record] ?? 0);
  const nameOf = (index: number) => {
    const part = origin.findLast(({ first }) => first <= index);
    return `${part?.file}[${index - (part?.first ?? 0)}]`;
  };
  const unknown = labels.findIndex((label) => label > 9);
  if (unknown >= 0)
    throw new ContrailError(
      'InvalidDataset',
      `${join(folder, nameOf(unknown))} has label ${labels[unknown]}, and CIFAR-10's are 0 to 9.`,
    );
  const planesOf = (index: number) => all.subarray(index * record + 1, (index + 1) * record);
  return {
    count,
    labels,
    digests: await digestsOf(count, planesOf),
    nameOf,
    read: async (index) => ({
      pixels: interleaved(planesOf(index)),
      height: side,
      width: side,
      channels: 3,
      label: labels[index] ?? 0,
    }),
  };
}

/** Planes to pixels. */
function interleaved(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(3 * plane);
  for (let at = 0; at < plane; at++) {
    pixels[3 * at] = planes[at] ?? 0;
    pixels[3 * at + 1] = planes[plane + at] ?? 0;
    pixels[3 * at + 2] = planes[2 * plane + at] ?? 0;
  }
  return pixels;
}
