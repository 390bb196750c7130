import { z } from 'zod';
import { type ArtifactRef, type SplitName, splitOf } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { datasetAboutOf, readArtifact, readArtifactLines, type Store } from '../store/index.ts';

export const rowFactsSchema = z.strictObject({
  /** Path in the folder, or what the table calls the image. */
  name: z.string(),
  /** What several photos show, a product say. */
  group: z.string().optional(),
  category: z.string().optional(),
  /** Its labels besides its class, by what they are of; what is absent, the image has no label of. */
  labels: z.record(z.string(), z.string()).optional(),
});

/** What is known of a row besides its class and its pixels. */
export type RowFacts = z.infer<typeof rowFactsSchema>;

/** Rows before other work gets its turn. */
const rowsAtOnce = 10_000;

/** One JSON object a line. */
export async function* linesOfFacts(facts: readonly RowFacts[]): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < facts.length; at += rowsAtOnce) {
    const lines = facts.slice(at, at + rowsAtOnce).map((each) => `${JSON.stringify(rowFactsSchema.parse(each))}\n`);
    yield new TextEncoder().encode(lines.join(''));
    await new Promise(setImmediate);
  }
}

/**
 * What is known of the rows of a split, in their order.
 *
 * @returns null where the data set keeps no names, as those whose images have none of their own
 * @throws ContrailError CorruptArtifact
 */
export async function readRowFacts(
  store: Store,
  ref: ArtifactRef,
  name: SplitName,
): Promise<readonly RowFacts[] | null> {
  const { rows: file, count } = splitOf(datasetAboutOf(await readArtifact(store, ref), ref), name);
  if (count === 0) return [];
  if (file === undefined) return null;
  const facts: RowFacts[] = [];
  for (const [row, line] of (await readArtifactLines(store, ref, file, count)).entries()) {
    facts.push(factsOfLine(line, `${file}:${row + 1}`));
    if (row % rowsAtOnce === rowsAtOnce - 1) await new Promise(setImmediate);
  }
  return facts;
}

function factsOfLine(line: string, place: string): RowFacts {
  try {
    return rowFactsSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new ContrailError('CorruptArtifact', `${place} does not say what the row is called.`, { cause });
  }
}
