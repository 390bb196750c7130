import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { digestsOf } from './row-digests.ts';
import type { RawDataset, RawSplit } from './source.ts';

const side = 32;
const plane = side * side;
/** A label, then a red, a green and a blue plane. */
const record = 1 + 3 * plane;
const trainFiles = ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'];
const defaultClasses = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/**
 * CIFAR-10 in its binary form (Krizhevsky 2009), from the folder of the .bin files or the one above it.
 *
 * @throws ContrailError InvalidDataset when a file is missing, cut short, or has a label past 9
 */
export async function cifar10(path: string): Promise<RawDataset> {
  const inner = join(path, 'cifar-10-batches-bin');
  const folder = (await stat(inner).catch(() => null))?.isDirectory() ? inner : path;
  const train = await readRecords(folder, trainFiles);
  const test = await readRecords(folder, ['test_batch.bin']);
  return { name: 'cifar10', classes: await classNames(folder), train, test };
}

async function classNames(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'batches.meta.txt'), 'utf8').catch(() => null);
  const names = text
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return names?.length === 10 ? names : defaultClasses;
}

async function readRecords(folder: string, files: readonly string[]): Promise<RawSplit> {
  const parts: Uint8Array[] = [];
  const origin: { file: string; first: number }[] = [];
  let count = 0;
  for (const file of files) {
    const bytes = await readFile(join(folder, file)).catch((cause) => {
      throw new ContrailError(
        'InvalidDataset',
        `${join(folder, file)} is missing. CIFAR-10's binary form has ${[...trainFiles, 'test_batch.bin'].join(', ')}.`,
        { cause },
      );
    });
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
