import { type ArtifactRef, type DatasetAbout, splitNames, splitText } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import type { Store } from '../store/index.ts';
import { placed, type Unused } from './account.ts';
import { filesOf } from './changes.ts';
import { cifar10 } from './cifar10.ts';
import { countPerClass } from './count-per-class.ts';
import { divide, type Parts } from './divide.ts';
import { openEarlierImages } from './earlier/images.ts';
import { fashionMnist } from './fashion-mnist.ts';
import { writeList } from './folder/list.ts';
import { rejectedPictures } from './folder/rejected-pictures.ts';
import { forgottenImages, forgottenSources } from './forget/images.ts';
import { withoutForgotten } from './forget/without.ts';
import { type Form, formOf } from './form.ts';
import { generated } from './generated.ts';
import { imageFolder } from './image-folder.ts';
import { imageTable } from './image-table.ts';
import { mnist } from './mnist.ts';
import type { RejectedImage } from './prepared-image.ts';
import { readImages } from './read-images.ts';
import { createSetWriter, everySplit } from './set-writer.ts';
import type { PreparationOptions, RawDataset } from './source.ts';
import { type Summary, summarise } from './summary.ts';
import { removeFetched } from './table/fetch/index.ts';
import { requireUsable } from './usable.ts';

/**
 * Reads a data set, checks every image, brings it to size, splits it, and stores it as an artifact, in files of a limited
 * size of which one at a time is in memory.
 * The same files and parameters give the same artifact on every machine. A preparation that was killed goes on with the images
 * that it had made, and one of a set that has changed makes those anew that are new.
 *
 * @throws ContrailError InvalidDataset that names the files and what is expected
 */
export async function prepareDataset(
  store: Store,
  parameters: PrepareDataParameters,
  options: PreparationOptions,
): Promise<Prepared> {
  const form = formOf(parameters);
  const forgotten = await forgottenImages(store);
  const read = withoutForgotten(await readSource(parameters, form, options), forgotten);
  // Whether an image is one to forget is known only once it was fetched.
  if (read.table) await removeFetched(options.cacheFolder, await forgottenSources(store));
  // Others have their turn between steps that take a tenth of a second or more of hundreds of thousands of images.
  await new Promise(setImmediate);
  const { source, trainedClasses, parts } = divide(read, parameters);
  const { name, classes, labels, account } = source;
  await new Promise(setImmediate);
  const writer = createSetWriter(store, {
    name,
    classes,
    trainedClasses,
    labels,
    form,
    shardBytes: options.shardBytes,
  });
  // What is read from files takes long; rows of a file of rows do not.
  const earlier = source.train.factsOf ? await openEarlierImages(store, form, { ...options, forgotten }) : undefined;
  try {
    const unreadable: RejectedImage[] = [];
    const splits = await everySplit(async (into) => {
      const how = { phase: `${splitText(into)} images`, form, rejected: unreadable, earlier };
      for (const { split, chosen } of parts[into] ?? [])
        for await (const image of readImages(split, chosen, how, options)) await writer.add(into, image);
      return writer.finish(into);
    });
    const rejected = account ? placed([...account.rejected, ...unreadable], account) : unreadable;
    const list = await keepList(source, parameters, parts, rejected, options);
    if (options.keepPictures && account && source.root !== undefined)
      await options.keepPictures(
        await rejectedPictures(source.root, rejected, (image) => forgotten(image) !== null, options.signal),
      );
    const found = account?.perClass ?? countPerClass(source.train.labels, classes.length);
    requireUsable({ classes, found }, splits, { rejected, maximumRejected: parameters.maximumRejected, list });
    const { ref, about } = await writer.publish(
      splits,
      rejected.map(({ path, reason }) => ({ path, reason })),
    );
    await earlier?.finish(ref, writer.grey);
    const summary = summarise({ source, parts, rejected, about, copies: writer.copies, wanted: parameters, list });
    return { ref, about, summary, reused: earlier?.found() ?? 0 };
  } finally {
    await earlier?.close();
    await writer.discard();
  }
}

interface Prepared {
  readonly ref: ArtifactRef;
  readonly about: DatasetAbout;
  readonly summary: Summary;
  /** Images that an earlier preparation had brought to the same form. */
  readonly reused: number;
}

async function readSource(
  parameters: PrepareDataParameters,
  form: Form,
  options: PreparationOptions,
): Promise<RawDataset> {
  refuseForeign(parameters);
  switch (parameters.dataset) {
    case 'fashion-mnist':
      return fashionMnist(parameters.path, options);
    case 'mnist':
      return mnist(parameters.path, options);
    case 'cifar10':
      return cifar10(requirePath(parameters));
    case 'image-folder':
      return imageFolder(requirePath(parameters), form, options, parameters.relabels);
    case 'table':
      return imageTable({ ...parameters, path: requirePath(parameters) }, form, options);
    case 'generated':
      return generated(parameters.generated ?? { classes: 4, images: 512, channels: 1 }, parameters.seed);
  }
}

/** Parameters that a source has no use for are mistakes, and would be passed over in silence. */
function refuseForeign({ dataset, columns, allowUrls, relabels }: PrepareDataParameters): void {
  const foreign = (name: string, of: string) =>
    new ContrailError('InvalidInput', `dataset: ${dataset} takes no \`${name}\`, which is for ${of}.`);
  if (dataset !== 'table' && columns) throw foreign('columns', 'dataset: table');
  if (dataset !== 'table' && allowUrls !== undefined) throw foreign('allowUrls', 'dataset: table');
  if (dataset !== 'table' && dataset !== 'image-folder' && relabels !== undefined)
    throw foreign('relabels', 'dataset: table and dataset: image-folder');
}

function requirePath({ dataset, path }: PrepareDataParameters): string {
  if (path === undefined)
    throw new ContrailError(
      'InvalidDataset',
      `dataset: ${dataset} needs \`path\`, ${dataset === 'table' ? 'the table' : 'the folder that holds its files'}.`,
    );
  return path;
}

/** Says of every file of a folder where it went. */
async function keepList(
  source: RawDataset,
  parameters: PrepareDataParameters,
  parts: Parts,
  rejected: readonly Unused[],
  options: PreparationOptions,
): Promise<string | null> {
  const { account } = source;
  if (!account) return listOfOthers(source, parameters.dataset, options);
  const fates = new Map<string, string>();
  for (const name of splitNames) {
    for (const { split, chosen } of parts[name] ?? [])
      for (const row of chosen) fates.set(split.nameOf(row), splitText(name));
    await new Promise(setImmediate);
  }
  const fateOf = ({ path }: { readonly path: string }) => fates.get(path) ?? 'left out by the limit';
  return writeList(options, { ...account, classes: source.classes, others: account.dropped, fateOf, rejected });
}

/** Files of MNIST and CIFAR-10 are read whole; the list is there to tell later what has changed. */
async function listOfOthers(
  { root }: RawDataset,
  dataset: PrepareDataParameters['dataset'],
  options: PreparationOptions,
): Promise<string | null> {
  if (root === undefined) return null;
  return writeList(options, { files: await filesOf(dataset, root), fateOf: () => 'found', rejected: [], ignored: {} });
}
