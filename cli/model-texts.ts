import type { ModelVersion, Refusal } from '../contracts/models.ts';
import { table } from './table.ts';
import { localTime } from './times.ts';

/** Whole sentences are too wide for a column: a terminal wraps them below the table. */
export const refusalText = ({ at, run, step, reason }: Refusal): string =>
  `${run} was not promoted${step === null ? ' by hand' : ''} (${localTime(at)}): ${reason}`;

/** A table with a line for each version; columns that are given come first. Runs have long names, and stand below it. */
export function versionTable(
  versions: readonly ModelVersion[],
  before: Readonly<Record<string, (version: ModelVersion) => string>> = {},
): string {
  const rows = versions.map((each) => {
    const { version, metrics, promotedAt } = each;
    const shown = [metrics.top1, metrics.macroF1, metrics.knn].map((value) => value?.toFixed(4) ?? '');
    const index = each.index?.digest.slice(0, 12) ?? '';
    return [...Object.values(before).map((text) => text(each)), version, ...shown, index, localTime(promotedAt)];
  });
  return table([...Object.keys(before), 'version', 'top-1', 'macro F1', 'k-NN', 'index', 'since'], rows);
}
