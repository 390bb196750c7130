import { z } from 'zod';
import { type ArtifactRef, type DatasetAbout, digestSchema, type SplitName } from '../../contracts/artifacts.ts';
import { jsonBytes, newestRecords, type Store, unlessDamaged } from '../../store/index.ts';
import { describeDataset } from '../describe.ts';
import { openSplit, type SplitOfFiles } from '../open-split.ts';
import { keyOfDigest, readRowDigests } from '../row-digests.ts';
import type { KeptImage } from './pieces.ts';

/** Data sets of one form that are looked at, the newest first: most photos of a catalogue are in its last version. */
const mostSets = 3;

/** What is known of a data set that was made, besides the artifact. */
export const preparedSetSchema = z.strictObject({
  dataset: digestSchema,
  at: z.iso.datetime(),
  /** By split, one bit a row in base64: which rows were grey in a set that became coloured. */
  grey: z.record(z.string(), z.base64()),
});

const folderOf = (place: string) => `${place}/sets`;

/** Which rows of a split were grey. */
export type GreyRows = Readonly<Record<string, readonly boolean[]>>;

/** Says that a data set was made in this form, so that the next one takes over what did not change. */
export const recordSet = (
  store: Store,
  place: string,
  { digest }: ArtifactRef,
  { grey, now }: { readonly grey: GreyRows; readonly now: Date },
): Promise<void> =>
  store.write(
    `${folderOf(place)}/${digest}.json`,
    jsonBytes(
      preparedSetSchema.parse({
        dataset: digest,
        at: now.toISOString(),
        grey: Object.fromEntries(Object.entries(grey).map(([split, rows]) => [split, bitsOf(rows)])),
      }),
    ),
  );

function bitsOf(rows: readonly boolean[]): string {
  const bits = new Uint8Array(Math.ceil(rows.length / 8));
  for (const [row, is] of rows.entries()) if (is) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  return Buffer.from(bits).toString('base64');
}

/** Rows before other work gets its turn. */
const rowsAtOnce = 20_000;

/** Reads rows of the newest data sets of a form, by their sources. What is gone, damaged or of another version is passed over. */
export async function openEarlierSets(
  store: Store,
  place: string,
): Promise<{
  readonly rows: ReadonlyMap<string, () => Promise<KeptImage | null>>;
  readonly close: () => Promise<void>;
}> {
  const rows = new Map<string, () => Promise<KeptImage | null>>();
  const opened: SplitOfFiles[] = [];
  const records = await newestRecords(store, folderOf(place), {
    schema: preparedSetSchema,
    what: 'the record of a prepared data set',
    remedy: 'Remove it: images are then made again.',
  });
  for (const { dataset, grey } of records.slice(0, mostSets)) {
    const ref = { kind: 'dataset', digest: dataset } as const;
    const about = await unlessDamaged(describeDataset(store, ref), () => {});
    if (!about) continue;
    for (const split of Object.keys(about.splits) as SplitName[]) {
      const digests = await unlessDamaged(readRowDigests(store, ref, split), () => {});
      if (!digests || digests.source.length === 0) continue;
      const open = await openSplit(store, ref, split, undefined, { as: 'stored' });
      opened.push(open);
      const bits = Buffer.from(grey[split] ?? '', 'base64');
      for (const [row, hex] of digests.source.entries()) {
        if (row % rowsAtOnce === rowsAtOnce - 1) await new Promise(setImmediate);
        const source = Buffer.from(hex, 'hex');
        const key = keyOfDigest(source);
        if (rows.has(key)) continue;
        const wasGrey = about.image.channels === 3 && ((bits[row >> 3] ?? 0) >> (row & 7)) % 2 === 1;
        rows.set(key, () => unlessDamaged(readRow(open, about, { row, source, wasGrey }), () => {}));
      }
    }
  }
  return { rows, close: async () => void (await Promise.all(opened.map(({ close }) => close()))) };
}

async function readRow(
  { read, readFiles, height, width }: SplitOfFiles,
  { image: { channels } }: DatasetAbout,
  { row, source, wasGrey }: { readonly row: number; readonly source: Uint8Array; readonly wasGrey: boolean },
): Promise<KeptImage> {
  const rows = Int32Array.of(row);
  if (readFiles) {
    const [content = new Uint8Array()] = await readFiles(rows);
    return { source, content, channels };
  }
  const pixels = new Uint8Array(height * width * channels);
  await read(rows, pixels, new Int32Array(1));
  return wasGrey
    ? { source, content: pixels.filter((_, at) => at % 3 === 0), channels: 1 }
    : { source, content: pixels, channels };
}
