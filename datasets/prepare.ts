import { type ArtifactRef, type DatasetAbout, datasetAboutSchema } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { PrepareDataParams } from '../contracts/step-kinds.ts';
import { createArtifactWriter, type Store } from '../store/index.ts';
import { cifar10 } from './cifar10.ts';
import { fashionMnist } from './fashion-mnist.ts';
import { preparedSide } from './fit.ts';
import { generated } from './generated.ts';
import { imageFolder } from './image-folder.ts';
import { mnist } from './mnist.ts';
import { createPixelStatistics, type PixelStatistics } from './pixel-statistics.ts';
import { type PreparedImage, type RejectedImage, readImages } from './read-images.ts';
import { createShardWriter } from './shard-writer.ts';
import type { PreparationOptions, RawDataset, RawSplit } from './source.ts';
import { divideRows, selectRows } from './split.ts';

type Splits<T> = Record<'train' | 'validation' | 'test', T>;

/**
 * Reads a data set, checks every image, brings it to 32x32, splits it by class, and stores it as an artifact, in files of
 * a limited size of which one at a time is in memory.
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
  const writer = createArtifactWriter(store, 'dataset');
  try {
    const shards = createShardWriter(writer, { classes: source.classes.length, shardBytes: options.shardBytes });
    const statistics = createPixelStatistics();
    const rejected: RejectedImage[] = [];
    const write = (name: keyof typeof rows) => {
      const { split, chosen } = rows[name];
      const { fit, channels, maximumRejected } = params;
      const how = { phase: `${name} images`, fit, channels, rejected, maximumRejected };
      const images = readImages(split, chosen, how, options);
      return shards.write(name, name === 'train' ? counted(images, statistics) : images);
    };
    const train = await write('train');
    requireEveryClass(train.perClass, source.classes);
    const splits = { train, validation: await write('validation'), test: await write('test') };
    const channels = shards.channels();
    const about = datasetAboutSchema.parse({
      name: source.name,
      classes: source.classes,
      image: { height: preparedSide, width: preparedSide, channels },
      ...statistics.result(channels),
      splits,
      rejected,
    });
    return { ref: await writer.finish(about), about };
  } finally {
    await writer.discard();
  }
}

async function* counted(images: AsyncIterable<PreparedImage>, statistics: PixelStatistics) {
  for await (const image of images) {
    statistics.add(image);
    yield image;
  }
}

function readSource(params: PrepareDataParams, options: PreparationOptions): Promise<RawDataset> | RawDataset {
  switch (params.dataset) {
    case 'fashion-mnist':
      return fashionMnist(params.path, options);
    case 'mnist':
      return mnist(params.path, options);
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
  const take = (rows: readonly number[], share: number, purpose: string) =>
    divideRows(train, rows, share, seed, purpose);
  const limited = (split: RawSplit, rows: readonly number[], most: number | undefined, purpose: string) =>
    most === undefined ? rows : selectRows(split, rows, most, seed, purpose);
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

function requireEveryClass(perClass: readonly number[], classes: readonly string[]): void {
  const empty = classes.filter((_, label) => perClass[label] === 0);
  if (empty.length > 0)
    throw new ContrailError('InvalidDataset', `No usable training image is left of: ${empty.join(', ')}.`);
}
