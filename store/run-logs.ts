import { type LogLine, logLineSchema } from '../contracts/logs.ts';
import { jsonBytes } from './digest.ts';
import { listFiles, readIfThere } from './reading.ts';
import type { Store } from './store.ts';

/** A file of a log is replaced as a whole until it has so many bytes; then the next one begins. */
const segmentBytes = 64 * 1024;

const folderOf = (run: string) => `runs/${run}/logs`;
const pathOf = (run: string, writer: string, segment: number) =>
  `${folderOf(run)}/${writer}/${String(segment).padStart(6, '0')}.jsonl`;

/** Writes the log of a run for one process. */
export interface RunLogWriter {
  /** Adds lines. Durable when it returns, and not added when it fails; calls must follow each other. */
  readonly append: (lines: readonly LogLine[]) => Promise<void>;
}

/**
 * Opens a log for one writer. Writers on other machines have files of their own, so nobody waits and nothing is mixed up.
 *
 * @param writer names the process, once for all time
 */
export function openRunLog(store: Store, run: string, writer: string): RunLogWriter {
  let segment = 1;
  let content: Uint8Array[] = [];
  let bytes = 0;
  return {
    append: async (lines) => {
      const longer = [...content, ...lines.map(jsonBytes)];
      await store.write(pathOf(run, writer, segment), longer);
      content = longer;
      bytes = longer.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (bytes < segmentBytes) return;
      segment++;
      content = [];
      bytes = 0;
    },
  };
}

/** How far a reader has come: lines read, by file. */
export type LogPosition = ReadonlyMap<string, { readonly bytes: number; readonly lines: number }>;

/**
 * The lines of a run since a position, by time, and the position after them. A damaged line is left out, and told to
 * `onDamage`.
 *
 * @throws ContrailError StoreUnreadable
 */
export async function readRunLog(
  store: Store,
  run: string,
  since: LogPosition = new Map(),
  onDamage: (problem: string) => void = () => {},
): Promise<{ readonly lines: readonly LogLine[]; readonly position: LogPosition }> {
  const position = new Map(since);
  const found: LogLine[] = [];
  for (const { path, bytes } of await listFiles(store, folderOf(run))) {
    const before = since.get(path) ?? { bytes: 0, lines: 0 };
    if (bytes === before.bytes) continue;
    const texts = new TextDecoder()
      .decode((await readIfThere(store, path)) ?? undefined)
      .split('\n')
      .filter((text) => text !== '');
    for (const [index, text] of texts.entries()) {
      if (index < before.lines) continue;
      const line = readLine(text);
      if (line) found.push(line);
      else onDamage(`${store.locate(path)}:${index + 1} is damaged: it is not a line of a log.`);
    }
    position.set(path, { bytes, lines: texts.length });
  }
  return { lines: found.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)), position };
}

function readLine(text: string): LogLine | null {
  try {
    return logLineSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
