import { type ArtifactRef, type DatasetAbout, datasetAboutSchema } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { PrepareDataParams } from '../contracts/step-kinds.ts';
import { bytesOf, encodeSafetensors, type Store, writeArtifact } from '../store/index.ts';
import { cifar10 } from './cifar10.ts';
import { fashionMnist } from './fashion-mnist.ts';
import { preparedSide } from './fit.ts';
import { generated } from './generated.ts';
import { imageFolder } from './image-folder.ts';
import { packImages, type ReadImages, readImages } from './read-images.ts';
import type { PreparationOptions, RawDataset, RawSplit } from './source.ts';
import { stratifiedLimit, stratifiedShare } from './split.ts';

type Splits<T> = Record<'train' | 'validation' | 'test', T>;

/**
 * Reads a data set, checks every image, brings it to 32x32, splits it by class, and stores it as an artifact.
 * The same files and parameters give the same artifact on every machine.
 *
 * @throws ContrailError InvalidDataset that names the file and what is expected
 */
export async function prepareDataset(
  store: Store,
  params: PrepareDataParams,
  options: PreparationOptions,
): Promise<{ readonly ref: ArtifactRef; readonly about: DatasetAbout }> {
  const source = await readSource(params, options);
  const rows = divide(source, params);
  const read: Partial<Splits<ReadImages>> = {};
  let allowed = params.maximumRejected;
  for (const name of ['train', 'validation', 'test'] as const) {
    const { split, chosen } = rows[name];
    read[name] = await readImages(
      split,
      chosen,
      { phase: `${name} images`, fit: params.fit, maximumRejected: allowed },
      options,
    );
    allowed -= read[name].rejected.length;
  }
  const splits = read as Splits<ReadImages>;
  requireEveryClass(splits.train, source.classes);

  const channels = Object.values(splits).some(({ images }) => images.some((image) => image.channels === 3)) ? 3 : 1;
  const packed = mapSplits(splits, ({ images }) => ({
    bytes: packImages(images, channels),
    labels: Int32Array.from(images, ({ label }) => label),
  }));
  const about = datasetAboutSchema.parse({
    name: source.name,
    classes: source.classes,
    image: { height: preparedSide, width: preparedSide, channels },
    ...statistics(packed.train.bytes, channels),
    splits: mapSplits(packed, ({ labels }, name) => ({
      file: `${name}.safetensors`,
      count: labels.length,
      perClass: countByClass(labels, source.classes.length),
    })),
    rejected: Object.values(splits).flatMap(({ rejected }) => rejected),
  });
  const files = (['train', 'validation', 'test'] as const).map((name) => ({
    path: `${name}.safetensors`,
    content: encodeSafetensors([
      {
        name: 'images',
        dtype: 'U8',
        shape: [packed[name].labels.length, preparedSide, preparedSide, channels],
        data: packed[name].bytes,
      },
      { name: 'labels', dtype: 'I32', shape: [packed[name].labels.length], data: bytesOf(packed[name].labels) },
    ]),
  }));
  return { ref: await writeArtifact(store, { kind: 'dataset', about, files }), about };
}

function readSource(params: PrepareDataParams, options: PreparationOptions): Promise<RawDataset> | RawDataset {
  switch (params.dataset) {
    case 'fashion-mnist':
      return fashionMnist(params.path, options);
    case 'cifar10':
      return cifar10(requirePath(params));
    case 'image-folder':
      return imageFolder(requirePath(params));
    case 'generated':
      return generated(params.generated ?? { classes: 4, images: 512, channels: 1 }, params.seed);
  }
}

function requirePath({ dataset, path }: PrepareDataParams): string {
  if (path === undefined)
    throw new ContrailError('InvalidDataset', `dataset: ${dataset} needs \`path\`, the folder that holds its files.`);
  return path;
}

/** Which rows of which raw split go where. Validation always comes out of train unless the source has its own. */
function divide(
  { classes, train, validation, test }: RawDataset,
  params: PrepareDataParams,
): Splits<{ split: RawSplit; chosen: readonly number[] }> {
  const { seed, limit } = params;
  const count = classes.length;
  for (const [name, value] of Object.entries(limit))
    if (value !== undefined && value < count)
      throw new ContrailError('InvalidDataset', `limit.${name} is ${value}, fewer than the ${count} classes.`);
  const all = (split: RawSplit) => Array.from({ length: split.count }, (_, row) => row);
  let trainRows = all(train);
  const take = (rows: readonly number[], share: number, purpose: string) => {
    const labels = Int32Array.from(rows, (row) => train.labels[row] ?? 0);
    const { taken, left } = stratifiedShare(labels, count, share, seed, purpose);
    return { taken: taken.map((at) => rows[at] ?? 0), left: left.map((at) => rows[at] ?? 0) };
  };
  const limited = (split: RawSplit, rows: readonly number[], most: number | undefined, purpose: string) => {
    if (most === undefined) return rows;
    const labels = Int32Array.from(rows, (row) => split.labels[row] ?? 0);
    return stratifiedLimit(labels, count, most, seed, purpose).map((at) => rows[at] ?? 0);
  };
  let testPart: { split: RawSplit; chosen: readonly number[] };
  if (test) testPart = { split: test, chosen: all(test) };
  else {
    const { taken, left } = take(trainRows, params.test, 'test split');
    testPart = { split: train, chosen: taken };
    trainRows = left;
  }
  let validationPart: { split: RawSplit; chosen: readonly number[] };
  if (validation) validationPart = { split: validation, chosen: all(validation) };
  else {
    const { taken, left } = take(trainRows, params.validation, 'validation split');
    validationPart = { split: train, chosen: taken };
    trainRows = left;
  }
  return {
    train: { split: train, chosen: limited(train, trainRows, limit.train, 'train limit') },
    validation: validationPart,
    test: { ...testPart, chosen: limited(testPart.split, testPart.chosen, limit.test, 'test limit') },
  };
}

function requireEveryClass({ images }: ReadImages, classes: readonly string[]): void {
  const counts = countByClass(
    Int32Array.from(images, ({ label }) => label),
    classes.length,
  );
  const empty = classes.filter((_, label) => counts[label] === 0);
  if (empty.length > 0)
    throw new ContrailError('InvalidDataset', `No usable training image is left of: ${empty.join(', ')}.`);
}

/** Mean and standard deviation per channel of pixels divided by 255. A channel without any variation gets deviation 1. */
function statistics(bytes: Uint8Array, channels: number): { mean: number[]; deviation: number[] } {
  const sums = new Array<number>(channels).fill(0);
  const squares = new Array<number>(channels).fill(0);
  bytes.forEach((byte, at) => {
    const channel = at % channels;
    sums[channel] = (sums[channel] ?? 0) + byte;
    squares[channel] = (squares[channel] ?? 0) + byte * byte;
  });
  const count = bytes.length / channels;
  const mean = sums.map((sum) => sum / count / 255);
  const deviation = squares.map(
    (square, channel) => Math.sqrt(Math.max(0, square / count / 255 ** 2 - (mean[channel] ?? 0) ** 2)) || 1,
  );
  return { mean, deviation };
}

function countByClass(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

function mapSplits<A, B>(splits: Splits<A>, change: (value: A, name: keyof Splits<A>) => B): Splits<B> {
  return {
    train: change(splits.train, 'train'),
    validation: change(splits.validation, 'validation'),
    test: change(splits.test, 'test'),
  };
}
