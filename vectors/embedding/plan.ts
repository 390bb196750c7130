import { createHash } from 'node:crypto';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { count, times } from '../../contracts/counted.ts';
import type { EmbeddingPlan, ImageToEmbed, RejectedName } from '../../contracts/embedding.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import type { EmbedImagesParameters } from '../../contracts/kinds/embed-images.ts';
import { forgottenImages, type ListingOptions, reasonsOf } from '../../datasets/index.ts';
import { digestOfJson, type Store } from '../../store/index.ts';
import { planFolder, writePlan, writeRejected, writeRows, writeShardList } from './files.ts';
import { openKnown } from './known.ts';
import { placeOf } from './place.ts';
import { type RowToEmbed, rowsToEmbed } from './rows.ts';

/** More shards would make histories of workflows long. */
const mostShards = 1000;
/** Rows before other work gets its turn. */
const rowsAtOnce = 10_000;

/**
 * Finds what is to be embedded, and what of it is there already, and writes the lists of both into the step's folder.
 *
 * The same images give the same plan, so a planning that is done again finds what became of the shards.
 *
 * @returns the plan, and the folder that it is in
 * @throws ContrailError InvalidDataset where there is no image, or too many files cannot be used
 */
export async function planEmbedding(
  store: Store,
  key: StepKey,
  {
    encoder,
    dataset,
    parameters,
  }: {
    readonly encoder: ArtifactRef;
    readonly dataset: ArtifactRef | undefined;
    readonly parameters: EmbedImagesParameters;
  },
  options: ListingOptions,
): Promise<{ readonly plan: EmbeddingPlan; readonly folder: string }> {
  const found = await rowsToEmbed(store, dataset, parameters, options);
  const { rows, forgotten } = await withoutForgotten(store, found.rows);
  const rejected = [...found.rejected, ...forgotten];
  const { images, splits, pictures } = parameters;
  requireUsable({ usable: rows.length, rejected, of: images?.path ?? found.name }, parameters);

  const place = placeOf(encoder, { dataset, pictures });
  const known = await openKnown(store, place);
  const missing = await imagesOf(rows, known.has);
  const shardImages = Math.max(parameters.shardImages, Math.ceil(rows.length / mostShards));
  const of =
    dataset && splits ? { dataset, splits: [...splits] } : { images: found.name, digest: await digestOfRows(rows) };
  const counts = { rows: rows.length, images: missing.length, rejected: rejected.length };
  const plan: EmbeddingPlan = {
    format: 'contrail-embedding/1',
    encoder,
    ...(dataset ? { dataset } : {}),
    of,
    ...(found.root === undefined ? {} : { root: found.root }),
    place,
    ...counts,
    rowLists: Math.ceil(rows.length / shardImages),
    shardImages,
    shards: Math.ceil(missing.length / shardImages),
    found: found.found,
    ignored: found.ignored,
    labels: found.labels,
  };
  const folder = planFolder(key, digestOfJson({ plan, missing: await digestOfImages(missing) }));
  for (let list = 0; list < plan.rowLists; list++)
    await writeRows(
      store,
      folder,
      list,
      rows.slice(list * shardImages, (list + 1) * shardImages).map(({ row }) => row),
    );
  for (let shard = 0; shard < plan.shards; shard++)
    await writeShardList(store, folder, shard, missing.slice(shard * shardImages, (shard + 1) * shardImages));
  await writeRejected(store, folder, rejected);
  await writePlan(store, folder, plan);
  return { plan, folder };
}

/** @throws ContrailError InvalidDataset that names the commonest reasons */
export function requireUsable(
  {
    usable,
    rejected,
    of,
  }: { readonly usable: number; readonly rejected: readonly RejectedName[]; readonly of: string },
  {
    maximumRejected,
    allowEmpty = false,
    allowLost = false,
  }: Pick<EmbedImagesParameters, 'maximumRejected' | 'allowEmpty' | 'allowLost'>,
): void {
  const isTooMany = maximumRejected !== undefined && rejected.length > maximumRejected;
  const isEmpty = usable === 0 && rejected.length === 0;
  if (isEmpty ? allowEmpty : (usable > 0 || allowLost) && !isTooMany) return;
  const reasons = reasonsOf(rejected.map(({ name, reason }) => ({ path: name, reason })))
    .slice(0, 5)
    .map(({ reason, count: files, first }) => `\n  ${count(files)} ${reason}: ${first.join(', ')}`)
    .join('');
  throw new ContrailError(
    'InvalidDataset',
    usable > 0
      ? `${times(rejected.length, 'file')} of ${of} cannot be used, and maximumRejected is ${maximumRejected}.${reasons}`
      : rejected.length > 0
        ? `No image of ${of} can be used: ${times(rejected.length, 'file')} were rejected.${reasons}`
        : `There is no image in ${of}.`,
  );
}

async function withoutForgotten(store: Store, all: readonly RowToEmbed[]) {
  const reasonFor = await forgottenImages(store);
  const rows: RowToEmbed[] = [];
  const forgotten: RejectedName[] = [];
  for (const [at, each] of all.entries()) {
    const reason = reasonFor(Buffer.from(each.row.source, 'hex'));
    if (reason === null) rows.push(each);
    else forgotten.push({ name: each.row.name, reason });
    if (at % rowsAtOnce === rowsAtOnce - 1) await new Promise(setImmediate);
  }
  return { rows, forgotten };
}

/** The images that are to be embedded, each once. */
async function imagesOf(rows: readonly RowToEmbed[], isKnown: (source: string) => boolean): Promise<ImageToEmbed[]> {
  const seen = new Set<string>();
  const images: ImageToEmbed[] = [];
  for (const [at, { row, from }] of rows.entries()) {
    const { name, source } = row;
    if (!seen.has(source) && !isKnown(source)) images.push({ name, source, from });
    seen.add(source);
    if (at % rowsAtOnce === rowsAtOnce - 1) await new Promise(setImmediate);
  }
  return images;
}

/** SHA-256 over names, bytes and labels of images in their order. */
async function digestOfRows(rows: readonly RowToEmbed[]): Promise<string> {
  return digestOfLines(rows, ({ row: { name, source, label = null } }) => [name, source, label]);
}

const digestOfImages = (images: readonly ImageToEmbed[]) => digestOfLines(images, ({ source }) => [source]);

async function digestOfLines<T>(values: readonly T[], of: (value: T) => readonly (string | null)[]): Promise<string> {
  const hash = createHash('sha256');
  for (const [at, value] of values.entries()) {
    hash.update(`${JSON.stringify(of(value))}\n`);
    if (at % rowsAtOnce === rowsAtOnce - 1) await new Promise(setImmediate);
  }
  return hash.digest('hex');
}
