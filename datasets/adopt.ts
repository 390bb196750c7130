import { readdir } from 'node:fs/promises';
import {
  type ArtifactRef,
  type DatasetAbout,
  digestSchema,
  type SplitName,
  splitNames,
  splitOf,
} from '../contracts/artifacts.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { prepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { formatBytes } from '../contracts/limits.ts';
import { someOf } from '../contracts/some-of.ts';
import { artifactFolder, datasetAboutOf, openStore, readArtifact, type Store } from '../store/index.ts';
import { imagesOfClass } from './count-per-class.ts';
import { isStoredImage } from './encode.ts';
import { forgottenImages } from './forget/images.ts';
import { refusingForgotten } from './forget/without.ts';
import { type Form, squareOf } from './form.ts';
import { openSplit, type SplitOfFiles } from './open-split.ts';
import type { PreparedImage } from './prepared-image.ts';
import { digestOfShown } from './read-images.ts';
import { digestBytes, readRowDigests } from './row-digests.ts';
import { readRowFacts } from './row-facts.ts';
import { createSetWriter, everySplit, type SetWriter } from './set-writer.ts';
import type { PreparationOptions } from './source.ts';
import { requireUsable } from './usable.ts';
import { warningsOf } from './warnings.ts';

const top = 'artifacts';
const place = `${top}/dataset`;
/** Rows in memory at a time, besides those of the shards that are written. */
const rowsAtOnce = 256;
const mostManifestBytes = 64 * 2 ** 20;
/** More than what a row's name, group, category and labels take, each character escaped. */
const mostBytesOfFacts = 64 * 2 ** 10;
/** More than the header of a file of digests, which names two tensors. */
const headerRoom = 64 * 2 ** 10;

/**
 * Stores a data set that `createDatasetWriter` wrote into a folder. Nothing in the folder is believed: the data set is written
 * anew from its rows, by the same code, and must come out as the artifact that is there.
 *
 * @throws ContrailError InvalidDataset that says what is wrong with the folder; the signal's reason
 */
export async function adoptDataset(
  store: Store,
  folder: string,
  options: Pick<PreparationOptions, 'signal' | 'onProgress'>,
): Promise<{ readonly ref: ArtifactRef; readonly warnings: readonly string[] }> {
  const from = openStore(folder);
  const { ref, about } = await readable(findDataset(folder, from));
  const { name, classes, trainedClasses, labels, splits, rejected } = about;
  const form = formOfAbout(about);
  const writer = createSetWriter(store, { name, classes, trainedClasses, labels, form });
  try {
    const add = refusingForgotten(writer.add, await forgottenImages(store));
    const copied = await everySplit(async (split) => {
      await readable(
        copyRows(from, ref, { split, labels: labelsOf(about, split), further: labels ?? [], form, add }, options),
      );
      return writer.finish(split);
    });
    const found = classes.map((_, label) => imagesOfClass(splits, label));
    requireUsable({ classes, found }, copied, { rejected, maximumRejected: rejected.length });
    const { ref: stored, about: written } = await writer.publish(copied, rejected);
    if (stored.digest !== ref.digest) throw invalid('its manifest is not that of its images');
    return { ref: stored, warnings: warningsOf(written, writer.copies, { validation: 0 }) };
  } finally {
    await writer.discard();
  }
}

const invalid = (what: string, cause?: unknown) =>
  new ContrailError('InvalidDataset', `This is no data set as the writer of data sets writes it: ${what}.`, { cause });

/** What the store says of its own files goes on with how to mend those; these are the step's. */
async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isContrailError(error) && error.code === 'CorruptArtifact')
      throw invalid(error.message.replace(/\. .*$|\.$/s, ''), error);
    throw error;
  }
}

/** The one data set in a folder. */
async function findDataset(
  root: string,
  from: Store,
): Promise<{ readonly ref: ArtifactRef; readonly about: DatasetAbout }> {
  const others = (await readdir(root)).filter((name) => name !== top);
  if (others.length > 0) throw invalid(`there is ${someOf(others)} beside it`);
  const [digest, ...more] = await from.folders(place);
  if (digest === undefined)
    throw new ContrailError(
      'InvalidDataset',
      'There is no data set: a writer of data sets writes one at its `finish()`.',
    );
  if (more.length > 0 || !digestSchema.safeParse(digest).success)
    throw invalid(`${place} must hold one data set, not ${someOf([digest, ...more])}`);
  const ref = { kind: 'dataset', digest } as const;
  const folder = artifactFolder(ref);
  const files = await from.list(top);
  const sizes = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const manifestBytes = sizes.get(`${folder}/manifest.json`) ?? 0;
  if (manifestBytes > mostManifestBytes)
    throw invalid(
      `its manifest has ${formatBytes(manifestBytes)}; at most ${formatBytes(mostManifestBytes)} are allowed`,
    );
  const manifest = await readArtifact(from, ref);
  const about = datasetAboutOf(manifest, ref);
  const named = new Set(
    ['manifest.json', ...manifest.files.map(({ path }) => path)].map((path) => `${folder}/${path}`),
  );
  const strangers = files.flatMap(({ path }) => (named.has(path) ? [] : [path]));
  if (strangers.length > 0) throw invalid(`it does not name ${someOf(strangers)}`);
  for (const split of splitNames) {
    const { count, digests, shards, rows: names } = splitOf(about, split);
    const inShards = shards.reduce((sum, shard) => sum + shard.count, 0);
    if (inShards !== count) throw invalid(`its ${split} images are ${count}, and its shards have ${inShards}`);
    const bytes = digests === undefined ? 0 : (sizes.get(`${folder}/${digests}`) ?? 0);
    if (count > 0 && digests === undefined) throw invalid(`it has no digests of the ${split} images`);
    if (bytes > 2 * digestBytes * count + headerRoom) throw invalid(`${digests} is larger than ${count} rows are`);
    const named = names === undefined ? 0 : (sizes.get(`${folder}/${names}`) ?? 0);
    if (named > mostBytesOfFacts * count) throw invalid(`${names} is larger than what is known of ${count} rows`);
  }
  return { ref, about };
}

type StoredForm = Pick<Form, 'size' | 'side' | 'encoding' | 'fit' | 'background'>;

/** The form that the images of a data set have by its own word. */
function formOfAbout({ image: { height, width }, stored, form }: DatasetAbout): StoredForm {
  const { size: sizes, encoding } = prepareDataParameters.shape;
  if (height !== width || !sizes.safeParse(height).success)
    throw invalid(`its images have ${height}x${width} pixels, not a square of 8 to 512`);
  const square = squareOf(form);
  if (!stored) return { size: height, side: height, encoding: null, ...square };
  const { side, format, quality } = stored;
  const parsed = encoding.safeParse({ format, quality });
  if (side < height || side > 2 * height + 8 || !parsed.data)
    throw invalid(`it keeps ${format} of quality ${quality} and side ${side} for images of ${height}x${height}`);
  return { size: height, side, encoding: parsed.data, ...square };
}

/** The labels that a split may have: from the first to the one before the end. */
interface Labels {
  readonly first: number;
  readonly end: number;
}

/** Of classes that are trained on, or of the others. */
function labelsOf({ classes, trainedClasses = classes.length }: DatasetAbout, split: SplitName): Labels {
  return split.startsWith('unseen')
    ? { first: trainedClasses, end: classes.length }
    : { first: 0, end: trainedClasses };
}

/** Adds the rows of a split to another data set, each looked at. */
async function copyRows(
  from: Store,
  ref: ArtifactRef,
  {
    split,
    labels: allowed,
    further,
    form,
    add,
  }: Pick<SetWriter, 'add'> & {
    readonly split: SplitName;
    readonly labels: Labels;
    /** What its rows may have further labels of. */
    readonly further: readonly string[];
    readonly form: StoredForm;
  },
  { signal, onProgress }: Pick<PreparationOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const digests = await readRowDigests(from, ref, split);
  const facts = await readRowFacts(from, ref, split);
  const open = await openSplit(from, ref, split, undefined, { as: 'stored' });
  try {
    for (let first = 0; first < open.count; first += rowsAtOnce) {
      signal?.throwIfAborted();
      const rows = Int32Array.from({ length: Math.min(rowsAtOnce, open.count - first) }, (_, at) => first + at);
      for (const [at, { label, ...image }] of (await readSome(open, rows, form)).entries()) {
        const row = first + at;
        if (label < allowed.first || label >= allowed.end)
          throw invalid(
            `image ${row} of ${split} has the label ${label}, and ${allowed.first === 0 ? `there are ${allowed.end} classes` : `its labels are ${allowed.first} to ${allowed.end - 1}`}`,
          );
        const strange = Object.keys(facts?.[row]?.labels ?? {}).find((of) => !further.includes(of));
        if (strange !== undefined)
          throw invalid(`image ${row} of ${split} has a label of ${JSON.stringify(strange)}, which it does not name`);
        await add(split, {
          ...image,
          label,
          name: `${split} image ${row}`,
          facts: facts?.[row] ?? null,
          digests: { source: Buffer.from(digests?.source[row] ?? '', 'hex'), pixels: digestOfShown(image) },
        });
      }
      onProgress?.({ phase: `storing ${split} images`, done: first + rows.length, total: open.count });
      await new Promise(setImmediate);
    }
  } finally {
    await open.close();
  }
}

type StoredRow = Pick<PreparedImage, 'pixels' | 'channels' | 'encoded' | 'label'>;

/** Files are looked at before they are decoded. */
async function readSome(
  { read, readFiles, height, width, channels }: SplitOfFiles,
  rows: Int32Array,
  { side, encoding }: StoredForm,
): Promise<readonly StoredRow[]> {
  const files = (await readFiles?.(rows)) ?? [];
  if (encoding)
    for (const [at, file] of files.entries())
      if (!(await isStoredImage(file, { side, format: encoding.format })))
        throw invalid(`image ${rows[at]} is no ${encoding.format} of ${side}x${side}`);
  const size = height * width * channels;
  const images = new Uint8Array(rows.length * size);
  const labels = new Int32Array(rows.length);
  await read(rows, images, labels);
  return Array.from(labels, (label, at) => ({
    pixels: images.subarray(at * size, (at + 1) * size),
    channels,
    encoded: files[at] ?? null,
    label,
  }));
}
