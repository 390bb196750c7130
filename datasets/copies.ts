import { type SplitName, splitNames } from '../contracts/artifacts.ts';
import type { PreparedImage } from './prepared-image.ts';
import { keyOfDigest } from './row-digests.ts';

/** Images of one split that are in another too. */
export interface CopiesBetween {
  readonly split: SplitName;
  /** The split that was read before. */
  readonly alsoIn: SplitName;
  /** Images of `split` that look exactly like one of the other. */
  readonly images: number;
  /** Of these, those made from the very same bytes. */
  readonly sameBytes: number;
  readonly first: readonly { readonly image: string; readonly copyOf: string }[];
}

/** An image that two classes have. */
export interface Contradiction {
  readonly image: string;
  readonly copyOf: string;
}

const mostNamed = 3;
type Own = { readonly name: string; readonly label: number };

/** Finds exact copies while images go by: of the same bytes, or with the same prepared pixels. */
export interface CopyFinder {
  readonly add: (split: SplitName, image: Omit<PreparedImage, 'pixels' | 'channels'>) => void;
  readonly between: () => readonly CopiesBetween[];
  /** Images that are in one class and, the same, in another. */
  readonly contradictions: () => { readonly images: number; readonly first: readonly Contradiction[] };
}

export function createCopyFinder(): CopyFinder {
  const of = <T>(make: () => T) =>
    Object.fromEntries(splitNames.map((name) => [name, make()])) as Readonly<Record<SplitName, T>>;
  const looks = of(() => new Map<string, Own>());
  const sources = of(() => new Set<string>());
  const found = new Map<string, { -readonly [K in keyof CopiesBetween]: CopiesBetween[K] }>();
  const contradictions: Contradiction[] = [];
  let contradicting = 0;
  return {
    add: (split, { name, label, digests }) => {
      const [look, source] = [keyOfDigest(digests.pixels), keyOfDigest(digests.source)];
      let other: Own | undefined;
      for (const alsoIn of splitNames) {
        const same = looks[alsoIn].get(look);
        if (!same) continue;
        if (same.label !== label) other ??= same;
        if (alsoIn === split) continue;
        const key = `${split} ${alsoIn}`;
        const entry = found.get(key) ?? { split, alsoIn, images: 0, sameBytes: 0, first: [] };
        entry.images++;
        if (sources[alsoIn].has(source)) entry.sameBytes++;
        if (entry.first.length < mostNamed) entry.first = [...entry.first, { image: name, copyOf: same.name }];
        found.set(key, entry);
      }
      if (other) {
        contradicting++;
        if (contradictions.length < mostNamed) contradictions.push({ image: name, copyOf: other.name });
      }
      if (!looks[split].has(look)) looks[split].set(look, { name, label });
      sources[split].add(source);
    },
    between: () => [...found.values()],
    contradictions: () => ({ images: contradicting, first: contradictions }),
  };
}
