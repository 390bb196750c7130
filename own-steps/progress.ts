import { z } from 'zod';
import type { TrainerProgress } from '../contracts/trainer.ts';
import { withRegularFile } from '../store/index.ts';

const pollMs = 500;
/** Of what was written since, so much is read: the last line is what counts. */
const tailBytes = 8 * 1024;
const textCharacters = 200;

const lineSchema = z.object({ fraction: z.number().min(0).max(1), text: z.string().optional() });

/** Reads `{"fraction": 0.4, "text": "…"}`, or `0.4 text`; null for anything else. */
function readProgress(line: string): TrainerProgress | null {
  const [, number, words] = /^\s*(\d*\.?\d+)(?:\s+(.*))?$/.exec(line) ?? [];
  const parsed = lineSchema.safeParse(
    number === undefined ? parsedOf(line) : { fraction: Number(number), ...(words ? { text: words } : {}) },
  );
  if (!parsed.success) return null;
  const { fraction, text = '' } = parsed.data;
  return { phase: text.slice(0, textCharacters), done: Math.round(fraction * 100), total: 100, unit: '%' };
}

function parsedOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/**
 * Tells of the last line that a program has written to its file of progress, whenever there is another.
 *
 * @returns a function that ends it
 */
export function followProgress(file: string, tell: (progress: TrainerProgress) => void): () => void {
  let last = '';
  let reading = false;
  const look = async () => {
    if (reading) return;
    reading = true;
    try {
      const lines = (await readTail(file)).split('\n');
      // The last is only begun, unless it is empty.
      const line = lines.slice(0, -1).findLast((each) => readProgress(each) !== null) ?? '';
      const progress = line === last ? null : readProgress(line);
      last = line;
      if (progress) tell(progress);
    } catch {
      // It is there as soon as the program has something to tell; what is not a file tells nothing.
    } finally {
      reading = false;
    }
  };
  const timer = setInterval(() => void look(), pollMs);
  return () => clearInterval(timer);
}

async function readTail(path: string): Promise<string> {
  const tail = await withRegularFile(path, 'refused', async (file, { size }) => {
    const from = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, tailBytes)), 0, undefined, from);
    return buffer.toString('utf8', 0, bytesRead);
  });
  return tail ?? '';
}
