import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runProgram } from '../../native/programs.ts';
import { withFolder } from '../folder.ts';
import { writePictureFolder } from './picture-folder.ts';
import { sizesOf } from './sizes.ts';

const classes = 200;
const sizes = [50_000, 200_000];
/** At a stretch. Longer, and a worker answers nobody: neither a heartbeat nor a question. */
const longestAllowedMs = 1000;

/** Preparing a folder of so many images. */
export interface ManyImagesRow {
  readonly images: number;
  readonly seconds: number;
  readonly processorSeconds: number;
  /** The most resident memory of the process, in MiB. */
  readonly peakMebibytes: number;
  /** How long the event loop was held up, in milliseconds, by this process or by others on the machine. */
  readonly heldUpP99: number;
  readonly heldUpLongest: number;
  /** The longest that its thread worked at a stretch, in milliseconds of processor time. */
  readonly longestStretch: number;
  readonly ok: boolean;
}

const preparedSchema = z.object({
  images: z.int(),
  seconds: z.number(),
  processorSeconds: z.number(),
  peakMebibytes: z.number(),
  heldUp: z.object({ p99: z.number(), max: z.number() }),
  longestMs: z.number(),
});

/** Prepares folders of PNGs of 64 x 64 pixels as the worker does. @param only the size that is prepared, where it names one */
export async function benchManyImages(only: string): Promise<ManyImagesRow[]> {
  const rows: ManyImagesRow[] = [];
  for (const images of sizesOf(sizes, only)) rows.push(await withFolder((folder) => prepare(folder, images)));
  return rows;
}

async function prepare(folder: string, images: number): Promise<ManyImagesRow> {
  const path = join(folder, 'pictures');
  await writePictureFolder(path, { classes, picturesOf: () => images / classes, side: 64 });
  const program = fileURLToPath(new URL('preparing.ts', import.meta.url));
  const printed = await runProgram(process.execPath, ['--import', 'tsx', program, path, join(folder, 'store')]);
  const { heldUp, longestMs, peakMebibytes, ...prepared } = preparedSchema.parse(JSON.parse(printed));
  return {
    ...prepared,
    peakMebibytes: Math.round(peakMebibytes),
    heldUpP99: heldUp.p99,
    heldUpLongest: heldUp.max,
    longestStretch: longestMs,
    ok: prepared.images === images && longestMs < longestAllowedMs,
  };
}
