import { type DuplicateKind, duplicateKinds } from '../contracts/inspection.ts';
import type { LeakCounts, LeaksPolicy } from '../contracts/leaks.ts';
import type { InspectedLeaks } from './inspection/leaks.ts';

/** Which images of a selection leak: show what a training image shows. */
export interface Leaks {
  /** The surest kind by which an image leaks; null where it does not. */
  readonly kindOf: (image: number) => DuplicateKind | null;
  /** The kinds that were looked for; none where nothing tells. */
  readonly kinds: readonly DuplicateKind[];
  /** Whether some of the images were looked at only. */
  readonly partly: boolean;
}

/**
 * @param copies exact copies, which are known without an inspection; null where the data sets do not tell
 * @param rowOf the row of the split that an image is
 */
export function leaksBy(
  copies: ReadonlySet<number> | null,
  inspected: InspectedLeaks | null,
  rowOf: (image: number) => number = (image) => image,
): Leaks {
  const isLookedFor = (kind: DuplicateKind) =>
    (kind === 'exact' && copies !== null) || (inspected?.kinds.includes(kind) ?? false);
  return {
    kindOf: (image) => (copies?.has(image) ? 'exact' : (inspected?.leaks.get(rowOf(image))?.kind ?? null)),
    kinds: duplicateKinds.filter(isLookedFor),
    partly: inspected?.partly ?? false,
  };
}

/** How many of some images leak, by kind. */
export function countLeaks({ kindOf, kinds }: Leaks, images: Iterable<number>): LeakCounts {
  const found = { exact: 0, near: 0, embedding: 0 };
  for (const image of images) {
    const kind = kindOf(image);
    if (kind !== null) found[kind]++;
  }
  const countOf = (kind: DuplicateKind) => (kinds.includes(kind) ? found[kind] : null);
  return { exact: countOf('exact'), near: countOf('near'), embedding: countOf('embedding') };
}

/** Of each image 0 where the measures are of it, else 1 more than the place of its kind of leak. */
export const leftOutCodes = ({ kindOf }: Pick<Leaks, 'kindOf'>, policy: LeaksPolicy, images: Int32Array): Int32Array =>
  images.map((image) => {
    const kind = policy === 'keep' ? null : kindOf(image);
    return kind === null ? 0 : 1 + duplicateKinds.indexOf(kind);
  });
