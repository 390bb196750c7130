import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import sharp from 'sharp';
import type { RawDataset, RawSplit } from '../../datasets/index.ts';

/** How many images each class has to learn from, and to be measured on. */
export interface Sizes {
  readonly largest: number;
  readonly smallest: number;
  readonly test: number;
}

/** Sizes of classes that fall evenly on a logarithmic scale, the first class the largest. */
export const sizesOf = (classes: number, { largest, smallest }: Pick<Sizes, 'largest' | 'smallest'>): number[] =>
  Array.from({ length: classes }, (_, at) =>
    Math.round(largest * (smallest / largest) ** (classes === 1 ? 0 : at / (classes - 1))),
  );

/**
 * Writes the first images of each class as PNG files: `train/<class>/<row>.png` in sizes that fall, and `test/<class>/<row>.png` in one size.
 * The folder is there as a whole or not at all.
 *
 * @returns training images of each class
 * @throws Error where the folder is there already, or a class has too few images
 */
export async function writeUnbalanced(
  { classes, train, test }: Pick<RawDataset, 'classes' | 'train' | 'test'>,
  folder: string,
  sizes: Sizes,
): Promise<ReadonlyMap<string, number>> {
  if (!test) throw new Error('the data set has no test images');
  if (await stat(folder).catch(() => null)) throw new Error(`${folder} is there already. Remove it, or name another.`);
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const wanted = sizesOf(classes.length, sizes);
    const names = classes.map((name) => name.replaceAll(/[^A-Za-z0-9-]+/g, '-'));
    await writeSplit(train, join(temporary, 'train'), names, wanted);
    await writeSplit(
      test,
      join(temporary, 'test'),
      names,
      classes.map(() => sizes.test),
    );
    await rename(temporary, folder);
    return new Map(names.map((name, label) => [name, wanted[label] ?? 0]));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function writeSplit(split: RawSplit, folder: string, names: readonly string[], wanted: readonly number[]) {
  const left = [...wanted];
  for (const name of names) await mkdir(join(folder, name), { recursive: true });
  for (const [row, label] of split.labels.entries()) {
    if (!left[label]) continue;
    const image = await split.read(row);
    if ('rejected' in image) continue;
    left[label]--;
    const { pixels, width, height, channels } = image;
    await sharp(pixels, { raw: { width, height, channels } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toFile(join(folder, names[label] ?? '', `${String(row).padStart(5, '0')}.png`));
  }
  const short = left.findIndex((missing) => missing > 0);
  if (short >= 0) throw new Error(`${names[short]} has ${left[short]} images too few.`);
}
