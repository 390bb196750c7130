import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import { type Store, unlessDamaged } from '../store/index.ts';
import { type RowDigests, readRowDigests } from './row-digests.ts';

/** Images by their content: a source's bytes, or what they show once prepared. */
export type KnownImages = ReadonlySet<string>;

/** Rows before other work gets its turn. */
const rowsAtOnce = 20_000;

/** What a row's image is known by. */
export const keysOf = ({ source, pixels }: RowDigests, row: number) => [
  `source ${source[row]}`,
  `pixels ${pixels[row]}`,
];

/**
 * The images of some splits of some data sets.
 *
 * @returns null where it is not known: a data set is of a version that kept no digests, is gone, or is damaged
 * @throws ContrailError StoreUnreadable
 */
export async function knownImages(
  store: Store,
  datasets: readonly ArtifactRef[],
  splits: readonly SplitName[],
): Promise<KnownImages | null> {
  const found = new Set<string>();
  const distinct = new Map(datasets.map((ref) => [ref.digest, ref]));
  for (const ref of distinct.values())
    for (const split of splits) {
      const digests = await digestsIfKept(store, ref, split);
      if (!digests) return null;
      for (let row = 0; row < digests.source.length; row++) {
        for (const key of keysOf(digests, row)) found.add(key);
        if (row % rowsAtOnce === rowsAtOnce - 1) await new Promise(setImmediate);
      }
    }
  return found;
}

/** @returns null where the data set is gone or damaged, or of a version that kept none */
export const digestsIfKept = (store: Store, ref: ArtifactRef, split: SplitName): Promise<RowDigests | null> =>
  unlessDamaged(readRowDigests(store, ref, split), () => {});

/** Whether a row's image is among those that are known, as the same file or as the same picture. */
export const isKnown = (known: KnownImages, digests: RowDigests, row: number): boolean =>
  keysOf(digests, row).some((key) => known.has(key));
