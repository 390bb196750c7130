import { ContrailError } from '../contracts/errors.ts';
import { someOf } from '../contracts/some-of.ts';
import { visible } from '../contracts/visible-text.ts';
import { digestBytes } from './row-digests.ts';
import type { RawDataset, RawSplit } from './source.ts';
import { nameDigest } from './split.ts';

/** Bytes [count, 32]: of each image the digest of its group; its own where it has none, as a group of its own. */
export function groupDigests({ count, digests, factsOf }: RawSplit): Uint8Array {
  const found = new Map<string, Uint8Array>();
  const result = digests.slice();
  for (let row = 0; row < count; row++) {
    const group = factsOf?.(row).group;
    if (group === undefined) continue;
    const digest = found.get(group) ?? nameDigest(group);
    found.set(group, digest);
    result.set(digest, row * digestBytes);
  }
  return result;
}

/** @throws ContrailError InvalidDataset where a source knows no groups, or has one on two sides already */
export function refuseDividedGroups({ name, train, validation, test }: RawDataset): void {
  const groupsOf = (split: RawSplit | undefined) => {
    const groups = new Set<string>();
    for (let row = 0; row < (split?.count ?? 0); row++) {
      const group = split?.factsOf?.(row).group;
      if (group !== undefined) groups.add(group);
    }
    return groups;
  };
  const given = { train: groupsOf(train), validation: groupsOf(validation), test: groupsOf(test) };
  if (given.train.size === 0)
    throw new ContrailError(
      'InvalidDataset',
      `${visible(name)} says of no training image to which group it belongs, so \`split: { by: group }\` has nothing to keep together. In a folder of images, put those of a group into a folder inside their class (<class>/<group>/…); or split by \`random\`.`,
    );
  for (const [a, b] of [
    ['train', 'validation'],
    ['train', 'test'],
    ['validation', 'test'],
  ] as const) {
    const both = [...given[a]].filter((group) => given[b].has(group));
    if (both.length > 0)
      throw new ContrailError(
        'InvalidDataset',
        `\`split: { by: group }\` keeps all images of a group on one side, and the ${a} and ${b} sets both have ${someOf(both.map(visible), 8)}. Move the images of each into one of the sets.`,
      );
  }
}
