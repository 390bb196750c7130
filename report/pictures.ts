import sharp from 'sharp';
import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import {
  type DuplicateKind,
  type DuplicatePair,
  duplicateKinds,
  type InspectedImage,
  type Inspection,
  type LabelSuspect,
  type LossSuspect,
} from '../contracts/inspection.ts';
import type { Report } from '../contracts/report.ts';
import { type ImageRows, imageRows, openSplit } from '../datasets/index.ts';
import { type Store, unlessDamaged } from '../store/index.ts';
import { bothWaysFirst } from './both-ways-first.ts';

/** Pictures of one data set in one image, as a data URI: a grid, row by row. */
export interface Sheet {
  readonly uri: string;
  readonly columns: number;
  /** Pictures below each other. */
  readonly lines: number;
  /** Where the picture of a row is. */
  readonly placeOf: ReadonlyMap<number, number>;
}
/** By the data set's digest for its test images, and by digest and split for others. */
export type Pictures = ReadonlyMap<string, Sheet>;

const columns = 40;
/** A sheet of more bytes is compressed with loss: colour photographs. */
const largestSheet = 1_500_000;

/** What the pictures of a split go by. */
export const sheetOf = (dataset: string, split: string): string => (split === 'test' ? dataset : `${dataset}-${split}`);

interface ShownRows {
  readonly dataset: string;
  readonly split: string;
  readonly rows: Set<number>;
}

/** The rows of each split that a report shows. */
function shownRows(report: Report): Map<string, ShownRows> {
  const shown = new Map<string, ShownRows>();
  const rowsOf = (dataset: string, split: string) => {
    const key = sheetOf(dataset, split);
    const known = shown.get(key) ?? { dataset, split, rows: new Set<number>() };
    shown.set(key, known);
    return known.rows;
  };
  for (const { dataset, examples = [] } of report.data)
    if (dataset !== undefined)
      for (const { rows } of examples) for (const row of rows) rowsOf(dataset, 'train').add(row);
  for (const { dataset, inspection } of report.inspections)
    for (const { split, row } of shownOfInspection(inspection)) rowsOf(dataset, split).add(row);
  for (const { dataset, evaluation, map } of report.evaluations) {
    const own = rowsOf(dataset, 'test');
    for (const { row } of map?.points ?? []) own.add(row);
    for (const { row } of (evaluation.worst ?? []).slice(0, shownMistakes)) own.add(row);
    for (const pair of evaluation.mostConfused.slice(0, shownPairs))
      for (const row of (pair.rows ?? []).slice(0, shownOfPair)) own.add(row);
    for (const { shown } of shownDuplicates(evaluation.leaks?.pairs ?? []))
      for (const { a, b } of shown) for (const { split, row } of [a, b]) rowsOf(dataset, split).add(row);
  }
  return shown;
}

/** The images of an inspection that a report shows. */
function shownOfInspection({ duplicates, suspects, outliers }: Inspection): readonly InspectedImage[] {
  return [
    ...shownDuplicates(duplicates.pairs).flatMap(({ shown }) => shown.flatMap(({ a, b }) => [a, b])),
    ...shownOfClassifiers(suspects),
    ...shownOfLoss(suspects),
    ...outliers.listed.slice(0, shownOutliers),
  ];
}

/** The suspects of the folds' classifiers that a report shows. */
export const shownOfClassifiers = (suspects: Inspection['suspects']): readonly LabelSuspect[] =>
  bothWaysFirst(suspects).slice(0, shownSuspects);

/** The suspects that a report shows of those that kept checkpoints alone suspect. */
export const shownOfLoss = ({ byLoss }: Inspection['suspects']): readonly LossSuspect[] =>
  (byLoss?.listed ?? []).filter(({ byClassifiers }) => !byClassifiers).slice(0, shownLossSuspects);

/** The pairs that a report shows, by kind; a kind without any is left out. */
export const shownDuplicates = (
  pairs: readonly DuplicatePair[],
): readonly { readonly kind: DuplicateKind; readonly shown: readonly DuplicatePair[] }[] =>
  duplicateKinds
    .map((kind) => ({ kind, shown: pairs.filter((pair) => pair.kind === kind).slice(0, mostPairsShown) }))
    .filter(({ shown }) => shown.length > 0);
const mostPairsShown = 12;
const shownSuspects = 36;
const shownLossSuspects = 24;
export const shownOutliers = 24;

export const shownMistakes = 24;
export const shownPairs = 4;
export const shownOfPair = 10;

/**
 * Reads the pictures that a report shows. What cannot be read is left out.
 *
 * @param onDamage is told what is left out, and why
 * @throws ContrailError StoreUnreadable
 */
export async function loadPictures(
  store: Store,
  report: Report,
  onDamage: (problem: string) => void,
): Promise<Pictures> {
  const sheets = new Map<string, Sheet>();
  for (const [key, { dataset, split, rows }] of shownRows(report)) {
    if (rows.size === 0) continue;
    const sorted = [...rows].sort((a, b) => a - b);
    const loading = loadSheet(store, { kind: 'dataset', digest: dataset }, split as SplitName, sorted);
    const sheet = await unlessDamaged(loading, onDamage);
    if (sheet) sheets.set(key, sheet);
  }
  return sheets;
}

async function loadSheet(store: Store, ref: ArtifactRef, name: SplitName, rows: readonly number[]): Promise<Sheet> {
  const parts: Uint8Array[] = [];
  let size: Omit<ImageRows, 'pixels'> = { height: 1, width: 1, channels: 1 };
  const split = await openSplit(store, ref, name);
  try {
    for (let at = 0; at < rows.length; at += rowsAtOnce) {
      const some = rows.slice(at, at + rowsAtOnce);
      const small = await shrunk(await imageRows(split, Int32Array.from(some)), some.length);
      parts.push(small.pixels);
      size = small;
    }
  } finally {
    await split.close();
  }
  return packSheet(Buffer.concat(parts), rows, size);
}

/** Images in memory at their own size. */
const rowsAtOnce = 100;
/** Pixels of a picture's longer side; a page shows none larger than 96. */
const largestSide = 96;

/** Images of at most `largestSide`, in their proportions. */
async function shrunk({ pixels, height, width, channels }: ImageRows, count: number): Promise<ImageRows> {
  const scale = largestSide / Math.max(height, width);
  if (scale >= 1) return { pixels, height, width, channels };
  const size = { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) };
  const bytes = height * width * channels;
  const small: Uint8Array[] = [];
  for (let at = 0; at < count; at++)
    small.push(
      await sharp(pixels.subarray(at * bytes, (at + 1) * bytes), { raw: { width, height, channels } })
        .resize(size.width, size.height, { fit: 'fill' })
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer(),
    );
  return { pixels: Buffer.concat(small), ...size, channels };
}

/** @param images bytes [rows, height, width, channels] */
export async function packSheet(
  images: Uint8Array,
  rows: readonly number[],
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: 1 | 3 },
): Promise<Sheet> {
  const across = Math.min(columns, rows.length);
  const lines = Math.ceil(rows.length / across);
  const stride = across * width * channels;
  const pixels = Buffer.alloc(stride * lines * height);
  const line = width * channels;
  for (let at = 0; at < rows.length; at++)
    for (let y = 0; y < height; y++) {
      const source = (at * height + y) * line;
      const target = (Math.floor(at / across) * height + y) * stride + (at % across) * line;
      pixels.set(images.subarray(source, source + line), target);
    }
  const raw = { width: across * width, height: lines * height, channels };
  const image = () => sharp(pixels, { raw }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  const png = await image().png({ compressionLevel: 9 }).toBuffer();
  const small = png.length <= largestSheet ? null : await image().webp({ quality: 80 }).toBuffer();
  const uri = `data:image/${small ? 'webp' : 'png'};base64,${(small ?? png).toString('base64')}`;
  return { uri, columns: across, lines, placeOf: new Map(rows.map((row, at) => [row, at])) };
}
