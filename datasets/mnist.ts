import { rootOf } from './folder/root.ts';
import { readIdxSplit } from './idx-split.ts';
import { findMnist, mnistFiles } from './mnist-files.ts';
import type { PreparationOptions, RawDataset } from './source.ts';

const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/**
 * MNIST: 60,000 and 10,000 grey handwritten digits of 28x28 (LeCun, Cortes and Burges 1998).
 *
 * @param path a folder with the four IDX files, gzipped or not; where absent, they are found or fetched
 */
export async function mnist(path: string | undefined, options: PreparationOptions): Promise<RawDataset> {
  const folder =
    path === undefined
      ? await findMnist(options)
      : await rootOf(
          path,
          `It should hold ${Object.values(mnistFiles)
            .map(({ name }) => name)
            .join(', ')}.`,
        );
  const read = (images: string, labels: string) =>
    readIdxSplit(folder, { images: spellings(images), labels: spellings(labels) }, classes.length);
  const train = await read(mnistFiles.trainImages.name, mnistFiles.trainLabels.name);
  const test = await read(mnistFiles.testImages.name, mnistFiles.testLabels.name);
  return { name: 'mnist', classes, ...(path === undefined ? {} : { root: folder }), train, test };
}

/** `train-images.idx3-ubyte` is also called `train-images-idx3-ubyte`, and either may be gzipped. */
const spellings = (name: string) => [name, name.replace('.', '-')].flatMap((each) => [each, `${each}.gz`]);
