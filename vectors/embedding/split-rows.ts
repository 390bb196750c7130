import type { ArtifactRef, SplitName } from '../../contracts/artifacts.ts';
import type { KnownRow } from '../../contracts/embedding.ts';
import { describeDataset, readRowDigests, readRowFacts } from '../../datasets/index.ts';
import type { Store } from '../../store/index.ts';

/** What is known of a row of a split. Early versions kept no digest of what it was made from: `source` is then null. */
export type SplitRow = Omit<KnownRow, 'source'> & { readonly source: string | null };

/**
 * What is known of the rows of a split without looking at their images.
 *
 * @returns of a row and its label, as the split has it
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function openSplitRows(
  store: Store,
  dataset: ArtifactRef,
  split: SplitName,
): Promise<(row: number, label: number | undefined) => SplitRow> {
  const { classes } = await describeDataset(store, dataset);
  const [facts, digests] = [await readRowFacts(store, dataset, split), await readRowDigests(store, dataset, split)];
  return (row, label) => {
    const { name = `${split}/${row}`, group, category } = facts?.[row] ?? {};
    return { name, source: digests?.source[row] ?? null, label: classes[label ?? -1], group, category, split };
  };
}
