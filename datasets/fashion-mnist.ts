import { fashionMnistFiles, findFashionMnist } from './fashion-mnist-files.ts';
import { rootOf } from './folder/root.ts';
import { readIdxSplit } from './idx-split.ts';
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
export async function fashionMnist(path: string | undefined, options: PreparationOptions): Promise<RawDataset> {
  const folder =
    path === undefined
      ? await findFashionMnist(options)
      : await rootOf(
          path,
          `It should hold ${Object.values(fashionMnistFiles)
            .map(({ name }) => name)
            .join(', ')}.`,
        );
  const read = (images: string, labels: string) =>
    readIdxSplit(folder, { images: zippedOrNot(images), labels: zippedOrNot(labels) }, classes.length);
  const train = await read(fashionMnistFiles.trainImages.name, fashionMnistFiles.trainLabels.name);
  const test = await read(fashionMnistFiles.testImages.name, fashionMnistFiles.testLabels.name);
  return { name: 'fashion-mnist', classes, ...(path === undefined ? {} : { root: folder }), train, test };
}

const zippedOrNot = (name: string) => [name, name.replace(/\.gz$/, '')];
