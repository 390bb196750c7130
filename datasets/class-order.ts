import type { HeldOutClasses } from './held-out-classes.ts';
import { eachSplit, type RawDataset, type RawSplit } from './source.ts';

/** A source with its classes in another order. */
export function withClassOrder(
  { account, ...source }: RawDataset,
  { classes, labelOf }: Pick<HeldOutClasses, 'classes' | 'labelOf'>,
): RawDataset {
  const next = (label: number) => labelOf[label] ?? label;
  const relabelled = (split: RawSplit): RawSplit => ({
    ...split,
    labels: split.labels.map(next),
    read: async (row) => {
      const image = await split.read(row);
      return 'rejected' in image ? image : { ...image, label: next(image.label) };
    },
  });
  const perClass = new Array<number>(classes.length).fill(0);
  for (const [label, count] of (account?.perClass ?? []).entries()) perClass[next(label)] = count;
  return {
    ...source,
    classes,
    ...eachSplit(source, relabelled),
    ...(account
      ? {
          account: {
            ...account,
            files: account.files.map((file) => ({ ...file, label: next(file.label) })),
            rejected: account.rejected.map((each) =>
              each.label === undefined ? each : { ...each, label: next(each.label) },
            ),
            perClass,
          },
        }
      : {}),
  };
}
