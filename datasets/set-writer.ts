import {
  type ArtifactRef,
  type DatasetAbout,
  datasetAboutSchema,
  type Split,
  type SplitName,
} from '../contracts/artifacts.ts';
import { createArtifactWriter, type Store } from '../store/index.ts';
import { type CopyFinder, createCopyFinder } from './copies.ts';
import type { GreyRows } from './earlier/sets.ts';
import { type Form, squareFormOf } from './form.ts';
import { createPixelStatistics } from './pixel-statistics.ts';
import type { PreparedImage, RejectedImage } from './prepared-image.ts';
import { createShardWriter } from './shard-writer.ts';

type Splits = DatasetAbout['splits'];

/**
 * Every split of a data set, one after the other: train, validation and test in any case, those of classes that are never trained
 * on where they have images.
 */
export async function everySplit(write: (name: SplitName) => Promise<Split>): Promise<Splits> {
  const seen = { train: await write('train'), validation: await write('validation'), test: await write('test') };
  const unseen: [SplitName, Split][] = [];
  for (const name of ['unseenValidation', 'unseenTest'] as const) {
    const split = await write(name);
    if (split.count > 0) unseen.push([name, split]);
  }
  return { ...seen, ...Object.fromEntries(unseen) };
}

/**
 * Writes prepared images as a data set, wherever they come from: the one place that knows what the artifact consists of. The
 * same images in the same order give the same artifact.
 */
export interface SetWriter {
  /** Rows of several splits may come in any order, one at a time. */
  readonly add: (split: SplitName, image: PreparedImage) => Promise<void>;
  /** Writes what is left of a split. */
  readonly finish: (split: SplitName) => Promise<Split>;
  /** By split, which of its images so far are grey. */
  readonly grey: GreyRows;
  /** Exact copies among the images so far. */
  readonly copies: CopyFinder;
  /** Stores the data set, once its splits are finished. */
  readonly publish: (
    splits: Splits,
    rejected: readonly RejectedImage[],
  ) => Promise<{ readonly ref: ArtifactRef; readonly about: DatasetAbout }>;
  /** Removes what was not published; to be called in any case. */
  readonly discard: () => Promise<void>;
}

export function createSetWriter(
  store: Store,
  {
    name,
    classes,
    trainedClasses,
    labels,
    form,
    shardBytes,
  }: Pick<DatasetAbout, 'name' | 'trainedClasses'> & {
    readonly classes: readonly string[];
    readonly labels?: readonly string[] | undefined;
    readonly form: Pick<Form, 'size' | 'side' | 'encoding' | 'fit' | 'background'>;
    readonly shardBytes?: number | undefined;
  },
): SetWriter {
  const { size, side, encoding } = form;
  const square = squareFormOf(form);
  const artifact = createArtifactWriter(store, 'dataset');
  const shards = createShardWriter(artifact, { classes: classes.length, form, shardBytes });
  const statistics = createPixelStatistics();
  const copies = createCopyFinder();
  const grey: Record<string, boolean[]> = {};
  return {
    add: async (split, image) => {
      copies.add(split, image);
      if (split === 'train') statistics.add(image);
      const greyOfSplit = grey[split] ?? [];
      grey[split] = greyOfSplit;
      greyOfSplit.push(image.channels === 1);
      await shards.add(split, image);
    },
    finish: shards.finish,
    grey,
    copies,
    publish: async (splits, rejected) => {
      const channels = shards.channels();
      const about = datasetAboutSchema.parse({
        name,
        classes,
        image: { height: size, width: size, channels },
        ...(encoding ? { stored: { side, format: encoding.format, quality: encoding.quality } } : {}),
        ...(square ? { form: square } : {}),
        ...statistics.result(channels),
        splits,
        ...(trainedClasses === undefined ? {} : { trainedClasses }),
        ...(labels === undefined ? {} : { labels }),
        rejected,
      });
      return { ref: await artifact.finish(about), about };
    },
    discard: artifact.discard,
  };
}
