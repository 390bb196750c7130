import { readIdxDataset } from './idx-dataset.ts';
import { findMnist, mnistFiles } from './mnist-files.ts';
import type { PreparationOptions, RawDataset } from './source.ts';

const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/**
 * MNIST: 60,000 and 10,000 grey handwritten digits of 28x28 (LeCun, Cortes and Burges 1998).
 *
 * @param path a folder with the four IDX files, gzipped or not; where absent, they are found or fetched
 */
export const mnist = (path: string | undefined, options: PreparationOptions): Promise<RawDataset> =>
  readIdxDataset(path, {
    name: 'mnist',
    classes,
    files: mnistFiles,
    // `train-images.idx3-ubyte` is also called `train-images-idx3-ubyte`, and either may be gzipped.
    spellings: (name) => [name, name.replace('.', '-')].flatMap((each) => [each, `${each}.gz`]),
    find: () => findMnist(options),
  });
