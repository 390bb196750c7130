import sharp from 'sharp';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { Report } from '../contracts/report.ts';
import { readRows } from '../datasets/index.ts';
import type { Store } from '../store/index.ts';

/** Pictures of one data set in one image, as a data URI: a grid, row by row. */
export interface Sheet {
  readonly uri: string;
  readonly columns: number;
  /** Pictures below each other. */
  readonly lines: number;
  /** Where the picture of a row of the test split is. */
  readonly placeOf: ReadonlyMap<number, number>;
}
/** By the digest of the data set. */
export type Pictures = ReadonlyMap<string, Sheet>;

const columns = 40;
/** A sheet of more bytes is compressed with loss: colour photographs. */
const largestSheet = 1_500_000;

/** The rows of each data set that a report shows. */
function shownRows(report: Report): Map<string, Set<number>> {
  const rows = new Map<string, Set<number>>();
  for (const { dataset, evaluation, map } of report.evaluations) {
    const own = rows.get(dataset) ?? new Set<number>();
    rows.set(dataset, own);
    for (const { row } of map?.points ?? []) own.add(row);
    for (const { row } of (evaluation.worst ?? []).slice(0, shownMistakes)) own.add(row);
    for (const pair of evaluation.mostConfused.slice(0, shownPairs))
      for (const row of (pair.rows ?? []).slice(0, shownOfPair)) own.add(row);
  }
  return rows;
}
export const shownMistakes = 24;
export const shownPairs = 4;
export const shownOfPair = 10;

/** Reads the pictures that a report shows. @throws ContrailError CorruptArtifact */
export async function loadPictures(store: Store, report: Report): Promise<Pictures> {
  const sheets = new Map<string, Sheet>();
  for (const [digest, rows] of shownRows(report))
    if (rows.size > 0)
      sheets.set(
        digest,
        await loadSheet(
          store,
          { kind: 'dataset', digest },
          [...rows].sort((a, b) => a - b),
        ),
      );
  return sheets;
}

async function loadSheet(store: Store, ref: ArtifactRef, rows: readonly number[]): Promise<Sheet> {
  const { pixels, ...size } = await readRows(store, ref, 'test', Int32Array.from(rows));
  return packSheet(pixels, rows, size);
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
