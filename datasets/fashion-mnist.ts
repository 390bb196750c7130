import { fashionMnistFiles, findFashionMnist } from './fashion-mnist-files.ts';
import { readIdxDataset } from './idx-dataset.ts';
import type { PreparationOptions, RawDataset } from './source.ts';

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
export const fashionMnist = (path: string | undefined, options: PreparationOptions): Promise<RawDataset> =>
  readIdxDataset(path, {
    name: 'fashion-mnist',
    classes,
    files: fashionMnistFiles,
    spellings: (name) => [name, name.replace(/\.gz$/, '')],
    find: () => findFashionMnist(options),
  });
