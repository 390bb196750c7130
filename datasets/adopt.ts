import { readdir } from 'node:fs/promises';
import { type ArtifactRef, type DatasetAbout, digestSchema, type SplitName } from '../contracts/artifacts.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { formatBytes } from '../contracts/limits.ts';
import { someOf } from '../contracts/some-of.ts';
import { artifactFolder, datasetAboutOf, openStore, readArtifact, type Store } from '../store/index.ts';
import { inColour } from './channels.ts';
import { imagesOfClass } from './count-per-class.ts';
import { preparedSide } from './fit.ts';
import { type OpenSplit, openSplit } from './open-split.ts';
import type { PreparedImage } from './read-images.ts';
import { digestBytes, readRowDigests, sha256 } from './row-digests.ts';
import { createSetWriter, type SetWriter } from './set-writer.ts';
import type { PreparationOptions } from './source.ts';
import { requireUsable } from './usable.ts';
import { warningsOf } from './warnings.ts';

const splitNames = ['train', 'validation', 'test'] as const;
const top = 'artifacts';
const place = `${top}/dataset`;
/** Rows in memory at a time, besides those of the shards that are written. */
const rowsAtOnce = 256;
const mostManifestBytes = 64 * 2 ** 20;
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
  const { name, classes, splits, rejected } = about;
  const writer = createSetWriter(store, { name, classes });
  try {
    const copy = async (split: SplitName) => {
      await readable(copyRows(from, ref, { split, classes: classes.length, add: writer.add }, options));
      return writer.finish(split);
    };
    const copied = { train: await copy('train'), validation: await copy('validation'), test: await copy('test') };
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
  const { height, width } = about.image;
  if (height !== preparedSide || width !== preparedSide)
    throw invalid(`its images have ${height}x${width} pixels, not ${preparedSide}x${preparedSide}`);
  for (const split of splitNames) {
    const { count, digests, shards } = about.splits[split];
    const rows = shards.reduce((sum, shard) => sum + shard.count, 0);
    if (rows !== count) throw invalid(`its ${split} images are ${count}, and its shards have ${rows}`);
    const bytes = digests === undefined ? 0 : (sizes.get(`${folder}/${digests}`) ?? 0);
    if (count > 0 && digests === undefined) throw invalid(`it has no digests of the ${split} images`);
    if (bytes > 2 * digestBytes * count + headerRoom) throw invalid(`${digests} is larger than ${count} rows are`);
  }
  return { ref, about };
}

/** Adds the rows of a split to another data set, each looked at. */
async function copyRows(
  from: Store,
  ref: ArtifactRef,
  { split, classes, add }: Pick<SetWriter, 'add'> & { readonly split: SplitName; readonly classes: number },
  { signal, onProgress }: Pick<PreparationOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const digests = await readRowDigests(from, ref, split);
  const open = await openSplit(from, ref, split);
  const { count, height, width, channels } = open;
  const size = height * width * channels;
  try {
    for (let first = 0; first < count; first += rowsAtOnce) {
      signal?.throwIfAborted();
      const { images, labels } = await readSome(open, first, Math.min(rowsAtOnce, count - first));
      for (const [row, label] of labels.entries()) {
        if (label < 0 || label >= classes)
          throw invalid(`image ${first + row} of ${split} has the label ${label}, and there are ${classes} classes`);
        const pixels = images.subarray(row * size, (row + 1) * size);
        const source = Buffer.from(digests?.source[first + row] ?? '', 'hex');
        await add(split, preparedAgain(pixels, { channels, label, name: `${split} image ${first + row}`, source }));
      }
      onProgress?.({ phase: `storing ${split} images`, done: first + labels.length, total: count });
      await new Promise(setImmediate);
    }
  } finally {
    await open.close();
  }
}

async function readSome({ read, height, width, channels }: OpenSplit, first: number, count: number) {
  const images = new Uint8Array(count * height * width * channels);
  const labels = new Int32Array(count);
  await read(
    Int32Array.from({ length: count }, (_, row) => first + row),
    images,
    labels,
  );
  return { images, labels };
}

const preparedAgain = (
  pixels: Uint8Array,
  { source, ...row }: Pick<PreparedImage, 'channels' | 'label' | 'name'> & { readonly source: Uint8Array },
): PreparedImage => ({
  ...row,
  pixels,
  digests: { source, pixels: sha256(row.channels === 3 ? pixels : inColour(pixels)) },
});
