import { type DatasetAbout, type SplitName, splitOf, splitText } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { visible } from '../contracts/visible-text.ts';
import { type OpenSplit, spreadRows } from '../datasets/index.ts';

/** @throws ContrailError InvalidDataset where a data set has no images in a split, that says how it gets some */
export function requireImages(about: DatasetAbout, split: SplitName): void {
  if (splitOf(about, split).count > 0) return;
  throw new ContrailError(
    'InvalidDataset',
    `The data set ${visible(about.name)} has no ${splitText(split)} images, so there is nothing to measure on. ${
      split.startsWith('unseen')
        ? 'Hold classes out by `split: { by: class }` in the prepare-data step'
        : `Add images, raise \`${split}\` in the prepare-data step, or add a folder \`${split}\``
    }.`,
  );
}

/** @throws ContrailError InvalidDataset where a data set has no test images */
export const requireTestImages = (about: DatasetAbout): void => requireImages(about, 'test');

/** Up to `most` images of a split, spread evenly over it; to be closed by closing the split itself. */
export function spreadOver(split: OpenSplit, most: number | undefined): OpenSplit {
  if (most === undefined || most >= split.count) return split;
  const taken = spreadRows(split.count, most);
  return {
    ...split,
    count: taken.length,
    read: (rows, images, labels) =>
      split.read(
        rows.map((row) => taken[row] ?? 0),
        images,
        labels,
      ),
    labels: async () => {
      const all = await split.labels();
      return taken.map((row) => all[row] ?? 0);
    },
  };
}

/**
 * A split whose images are changed when they are read.
 *
 * @param change gives the bytes of a row's image anew
 */
export function changed(
  split: OpenSplit,
  change: (row: number, image: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): OpenSplit {
  const size = split.height * split.width * split.channels;
  return {
    ...split,
    read: async (rows, images, labels) => {
      await split.read(rows, images, labels);
      await Promise.all(
        Array.from(rows, async (row, at) => {
          const target = images.subarray(at * size, (at + 1) * size);
          target.set(await change(row, target));
        }),
      );
    },
  };
}
