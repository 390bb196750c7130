import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { openLineProcess } from '../line-process.ts';

/** What took how long: wall time, and processor time of all threads and processes. */
export interface ReadingTime {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Reads batches of images, over and over. */
export interface Reader {
  readonly name: string;
  readonly read: (batches: number) => Promise<ReadingTime>;
  readonly close: () => Promise<void>;
}

const answerSchema = z.strictObject({ seconds: z.number(), cpuSeconds: z.number() });

export interface ReadingWorkload {
  readonly files: readonly string[];
  readonly batch: number;
  readonly threads: number;
}

async function openPeer(
  name: string,
  { python, program, operands }: { readonly python: string; readonly program: string; readonly operands: object },
): Promise<Reader> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const { ask, close } = openLineProcess(python, ['-B', path], { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' });
  await ask('open', { ...operands });
  return { name, read: async (batches) => answerSchema.parse(await ask('read', { batches })), close };
}

export const openTfData = (python: string, workload: ReadingWorkload): Promise<Reader> =>
  openPeer('tf.data', { python, program: 'tf_data.py', operands: workload });

/** Often enough that no turn comes to the end of an epoch. */
const repeat = 200;

export const openDataLoader = (
  python: string,
  by: 'torchvision' | 'Pillow',
  workload: ReadingWorkload,
): Promise<Reader> =>
  openPeer(`DataLoader, ${by}`, { python, program: 'torchvision_loader.py', operands: { ...workload, by, repeat } });
