import { type DatasetAbout, splitNames, splitOf } from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import type { DataSummary, PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { keyOf, type Unused } from './account.ts';
import type { CopyFinder } from './copies.ts';
import { imagesOfClass } from './count-per-class.ts';
import type { Parts } from './divide.ts';
import { reasonsOf } from './reasons.ts';
import type { RawDataset } from './source.ts';
import { warningsOf } from './warnings.ts';

export type Summary = DataSummary;

const mostClasses = 10;
const mostWarnings = 19;
const longestText = 300;

/** What a person should know of a prepared data set, in a bounded number of words. */
export function summarise({
  source: { account, classes, root, table, relabels },
  parts,
  rejected,
  about,
  copies,
  wanted,
  list,
}: {
  readonly source: RawDataset;
  readonly parts: Parts;
  readonly rejected: readonly Unused[];
  readonly about: DatasetAbout;
  readonly copies: CopyFinder;
  readonly wanted: Pick<PrepareDataParameters, 'validation' | 'split'>;
  readonly list: string | null;
}): Summary {
  const { splits } = about;
  const used = splitNames.reduce((sum, name) => sum + splitOf(about, name).count, 0);
  const warnings = bounded([...warningsOf(about, copies, wanted), ...(account?.warnings ?? [])]);
  const between = copies.between().map(({ split, alsoIn, images, sameBytes, first }) => ({
    split,
    alsoIn,
    images,
    sameBytes,
    first: first.map(({ image, copyOf }) => ({ image: shortened(image), copyOf: shortened(copyOf) })),
  }));
  const where = {
    ...(table === undefined ? {} : { table }),
    ...(relabels === undefined ? {} : { relabels }),
    ...(root === undefined ? {} : { folder: root }),
    ...(list === null ? {} : { list }),
  };
  if (!account) return { ...where, warnings, copies: between };
  const ignored = Object.values(account.ignored).reduce((sum, count) => sum + count, 0);
  const every = Object.values(parts).flat();
  const chosen = every.reduce((sum, part) => sum + part.chosen.length, 0);
  const readable = new Set(every.map(({ split }) => split));
  const leftOut = [...readable].reduce((sum, { count }) => sum + count, 0) - chosen + account.dropped.length;
  const labels = new Map(account.files.map((file) => [keyOf(file), file.label]));
  const rejectedPerClass = new Array<number>(classes.length).fill(0);
  for (const each of rejected) {
    const label = each.label ?? labels.get(keyOf(each));
    if (label !== undefined) rejectedPerClass[label] = (rejectedPerClass[label] ?? 0) + 1;
  }
  const incomplete = classes
    .map((name, label) => ({
      class: shortened(name),
      found: account.perClass[label] ?? 0,
      used: imagesOfClass(splits, label),
      rejected: rejectedPerClass[label] ?? 0,
    }))
    .filter((each) => each.rejected > 0)
    .sort((a, b) => b.rejected - a.rejected);
  return {
    files: { found: used + leftOut + rejected.length + ignored, used, leftOut, rejected: rejected.length, ignored },
    ignored: account.ignored,
    reasons: reasonsOf(rejected).map(({ reason, count, first }) => ({
      reason: shortened(reason),
      count,
      first: first.map(shortened),
    })),
    incomplete: incomplete.slice(0, mostClasses),
    ...where,
    warnings,
    copies: between,
  };
}

function bounded(warnings: readonly string[]): string[] {
  const more = warnings.length - mostWarnings;
  return [
    ...warnings.slice(0, mostWarnings),
    ...(more > 0 ? [`${times(more, 'more warning')} of this kind.`] : []),
  ].map(shortened);
}

const shortened = (text: string) => (text.length > longestText ? `${text.slice(0, longestText)}…` : text);
