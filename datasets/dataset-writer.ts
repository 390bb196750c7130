import { basename } from 'node:path';
import { z } from 'zod';
import {
  labelNamesSchema,
  type SplitName,
  splitCountsOf,
  type splitCountsSchema,
  splitText,
} from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { preparationParameters } from '../contracts/kinds/prepare-data.ts';
import { openStore } from '../store/index.ts';
import { formOf } from './form.ts';
import { type GivenImage, parseImage, readGiven } from './given-image.ts';
import { holdOutClasses } from './held-out-classes.ts';
import { inOrder } from './in-order.ts';
import type { PreparedImage, RejectedImage } from './prepared-image.ts';
import { prepareImage } from './read-images.ts';
import { createSetWriter, everySplit } from './set-writer.ts';
import { nameDigest, sharesOf, sideOf } from './split.ts';
import { requireUsable } from './usable.ts';
import { warningsOf } from './warnings.ts';

const optionsSchema = preparationParameters.extend({
  /** Names of the classes; an image names its own. */
  classes: z
    .array(z.string().min(1).max(300))
    .min(2)
    .max(100_000)
    .refine((names) => new Set(names).size === names.length, 'must be different from each other'),
  /** What images have labels of besides their class, such as a colour and a type; an image names its own. */
  labels: labelNamesSchema.optional(),
  /** Of the data set, for people. */
  name: z.string().min(1).max(200).default('dataset'),
});
export type DatasetOptions = z.input<typeof optionsSchema> & {
  /** Ends the reading of images. */
  readonly signal?: AbortSignal;
};

/** What became of the images that were added. */
export interface WrittenDataset {
  /** The artifact's. */
  readonly digest: string;
  /** Images of each split. */
  readonly counts: Readonly<z.infer<typeof splitCountsSchema>>;
  /** Images that cannot be used, and why. */
  readonly rejected: readonly RejectedImage[];
  /** What may make a training or a measure other than expected. */
  readonly warnings: readonly string[];
}

/**
 * Writes a data set, image by image. In memory are one shard of each split, the few images that are being read, and less than
 * 1 KiB for each image that was added.
 *
 * Images become rows in the order in which they are added: the same images in the same order give the same data set.
 */
export interface DatasetWriter {
  /**
   * Adds an image. One that cannot be used is counted, with the reason, and named at the end.
   *
   * @throws ContrailError InvalidInput for pixels that do not fit their size, an unknown class or label, a path at which there is nothing,
   * or a split for an image of a class that is held out
   */
  readonly add: (image: GivenImage) => Promise<void>;
  /** Adds images while they come; several are read at a time. */
  readonly addAll: (images: Iterable<GivenImage> | AsyncIterable<GivenImage>) => Promise<void>;
  /**
   * Writes what is left. Without it, there is no data set.
   *
   * @throws ContrailError InvalidDataset for more rejected images than allowed, or fewer than two classes to train on
   */
  readonly finish: () => Promise<WrittenDataset>;
}

/**
 * Writes what prepare-data writes: a data set that every step takes.
 *
 * @param folder an output of kind `dataset`
 * @throws ContrailError InvalidInput; InvalidDataset where `split` holds out no class, or leaves fewer than two
 */
export function createDatasetWriter(folder: string, { signal, ...given }: DatasetOptions): DatasetWriter {
  const parsed = optionsSchema.safeParse(given);
  if (!parsed.success)
    throw new ContrailError('InvalidInput', `The data set cannot be written so: ${z.prettifyError(parsed.error)}`);
  const options = parsed.data;
  const { name } = options;
  const { classes, trainedClasses, sideOfImage } = sidesOf(options);
  const form = formOf(options);
  const labels = new Map(classes.map((each, label) => [each, label]));
  const furtherLabels = options.labels ?? [];
  const writer = createSetWriter(openStore(folder), { name, classes, trainedClasses, labels: options.labels, form });
  const found = new Array<number>(classes.length).fill(0);
  const rejected: RejectedImage[] = [];
  let number = 0;
  let finished = false;
  let last: Promise<unknown> = Promise.resolve();

  const prepare = async (image: GivenImage): Promise<[SplitName, PreparedImage] | RejectedImage> => {
    const checked = parseImage(image, ++number);
    const path = checked.name ?? nameOf(checked, number);
    const label = labels.get(checked.class);
    if (label === undefined)
      throw new ContrailError(
        'InvalidInput',
        `${path} cannot be added: there is no class ${JSON.stringify(checked.class)}.`,
      );
    const strange = Object.keys(checked.labels ?? {}).find((of) => !furtherLabels.includes(of));
    if (strange !== undefined)
      throw new ContrailError(
        'InvalidInput',
        `${path} cannot be added: the data set has no labels of ${JSON.stringify(strange)}. Name it in the \`labels\` of the writer.`,
      );
    found[label] = (found[label] ?? 0) + 1;
    const read = await readGiven(checked, label, form);
    if ('rejected' in read) return { path, reason: read.rejected };
    const { image: raw, source } = read;
    const { group, category } = checked;
    // In the order of their names, whatever the order in which they are given, so that the bytes are the same.
    const own = furtherLabels.flatMap((of) => {
      const given = checked.labels?.[of];
      return given === undefined ? [] : [[of, given.normalize('NFC')] as const];
    });
    const facts = {
      name: path,
      ...(group === undefined ? {} : { group }),
      ...(category === undefined ? {} : { category }),
      ...(options.labels ? { labels: Object.fromEntries(own) } : {}),
    };
    return [
      sideOfImage(checked, { path, label, source }),
      await prepareImage(raw, { name: path, facts, source }, form),
    ];
  };

  const addAll: DatasetWriter['addAll'] = async (images) => {
    if (finished) throw new ContrailError('InvalidInput', 'The data set is finished; no image can be added.');
    const before = last;
    const adding = (async () => {
      for await (const image of inOrder(images, prepare, signal)) {
        // Rows stand in the order of the calls, also where nobody waits for one before the next.
        await before;
        if ('reason' in image) rejected.push(image);
        else await writer.add(...image);
      }
    })();
    last = adding.catch(() => {});
    await adding;
  };

  return {
    add: (image) => addAll([image]),
    addAll,
    finish: async () => {
      finished = true;
      await last;
      try {
        const splits = await everySplit(writer.finish);
        requireUsable({ classes, found }, splits, { rejected, maximumRejected: options.maximumRejected });
        const { ref, about } = await writer.publish(splits, rejected);
        return {
          digest: ref.digest,
          counts: splitCountsOf(about),
          rejected,
          warnings: warningsOf(about, writer.copies, options),
        };
      } finally {
        await writer.discard();
      }
    },
  };
}

/** The classes in the order of their labels, and where each image goes. */
function sidesOf(options: z.infer<typeof optionsSchema>) {
  const { split } = options;
  const own = sharesOf(options);
  const held = split?.by === 'class' ? holdOutClasses(options.classes, own) : null;
  const sideOfImage = (
    image: Pick<GivenImage, 'split' | 'group'>,
    { path, label, source }: { readonly path: string; readonly label: number; readonly source: Uint8Array },
  ): SplitName => {
    const unseen = held?.splitOf[label] ?? null;
    if (unseen !== null && image.split !== undefined)
      throw new ContrailError(
        'InvalidInput',
        `${path} cannot be put into ${image.split}: \`split: { by: class }\` holds ${held?.classes[label]} out, for ${splitText(unseen)}.`,
      );
    const side = image.split ?? unseen;
    if (side !== null) return side;
    if (split?.by === 'class') return sideOf(source, options);
    return sideOf(split?.by === 'group' && image.group !== undefined ? nameDigest(image.group) : source, own);
  };
  return { classes: held?.classes ?? options.classes, trainedClasses: held?.trainedClasses, sideOfImage };
}

const nameOf = (image: GivenImage, number: number): string =>
  'file' in image && typeof image.file === 'string' ? basename(image.file) : `image ${number}`;
