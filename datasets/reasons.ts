import { shownName } from './account.ts';

/** Files that cannot be used for one reason. */
export interface ReasonCount {
  readonly reason: string;
  readonly count: number;
  /** The first of them. */
  readonly first: readonly string[];
}

const mostReasons = 12;
const mostFirst = 3;

/** Rejected files by their reason, the commonest first; what is special to a file stands in brackets at its end. */
export function reasonsOf(
  rejected: readonly { readonly path: string; readonly reason: string; readonly place?: string }[],
): readonly ReasonCount[] {
  const groups = new Map<string, { reason: string; count: number; first: string[] }>();
  for (const each of rejected) {
    const { reason } = each;
    const common = reason.replace(/ \([^()]*\)$/, '');
    const group = groups.get(common) ?? { reason, count: 0, first: [] };
    if (group.reason !== reason) group.reason = common;
    group.count++;
    if (group.first.length < mostFirst) group.first.push(shownName(each));
    groups.set(common, group);
  }
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
  if (sorted.length <= mostReasons) return sorted;
  const rest = sorted.slice(mostReasons - 1);
  return [
    ...sorted.slice(0, mostReasons - 1),
    {
      reason: 'for other reasons',
      count: rest.reduce((sum, { count }) => sum + count, 0),
      first: rest.flatMap(({ first }) => first).slice(0, mostFirst),
    },
  ];
}
