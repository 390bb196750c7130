import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Store } from '../store/index.ts';
import { describeDataset } from './describe.ts';
import { sortByBytes } from './folder/class-names.ts';
import { type RowFacts, readRowFacts } from './row-facts.ts';

/** The labels that rows have besides their class. */
export interface LabelMatrix {
  /** What they are of, in the order of the columns. */
  readonly names: readonly string[];
  /** int32 [rows, columns]: the number of the label among those of its column in the order of their bytes; -1 for none. */
  readonly values: Int32Array;
}

/** Rows before other work gets its turn. */
const rowsAtOnce = 10_000;

/**
 * The labels of the rows of a split besides their class.
 *
 * @throws ContrailError InvalidInput where the data set has none; CorruptArtifact
 */
export async function readLabelMatrix(store: Store, ref: ArtifactRef, split: SplitName): Promise<LabelMatrix> {
  const { labels: names } = await describeDataset(store, ref);
  if (!names) throw new ContrailError('InvalidInput', 'The data set has no labels besides its classes.');
  const facts = await readRowFacts(store, ref, split);
  if (!facts)
    throw new ContrailError('CorruptArtifact', `The ${split} images have labels by name, and no file of names.`);
  const values = new Int32Array(facts.length * names.length);
  const known = names.map(() => new Set<string>());
  await eachLabel(names, facts, (label, _, column) => {
    if (label !== undefined) known[column]?.add(label);
  });
  const numbers = known.map(
    (labels) => new Map(sortByBytes([...labels], (label) => label).map((label, number) => [label, number])),
  );
  await eachLabel(names, facts, (label, row, column) => {
    values[row * names.length + column] = label === undefined ? -1 : (numbers[column]?.get(label) ?? -1);
  });
  return { names, values };
}

async function eachLabel(
  names: readonly string[],
  facts: readonly RowFacts[],
  visit: (label: string | undefined, row: number, column: number) => void,
): Promise<void> {
  for (const [row, { labels }] of facts.entries()) {
    for (const [column, name] of names.entries()) visit(labels?.[name], row, column);
    if (row % rowsAtOnce === rowsAtOnce - 1) await new Promise(setImmediate);
  }
}

/** Whether any two rows share a label of a column. */
export function haveSharedLabel({ names, values }: LabelMatrix): boolean {
  return names.some((_, column) => {
    const seen = new Set<number>();
    for (let at = column; at < values.length; at += names.length) {
      const label = values[at] ?? -1;
      if (label >= 0 && seen.has(label)) return true;
      seen.add(label);
    }
    return false;
  });
}
