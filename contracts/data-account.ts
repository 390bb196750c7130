import { splitNames, splitText } from './artifacts.ts';
import { times } from './counted.ts';
import { type DataSummary, dataSummarySchema, prepareDataResult } from './kinds/prepare-data.ts';
import type { StepStatus } from './status.ts';
import { visible } from './visible-text.ts';

const mostWarnings = 6;
const mostClasses = 3;

/** What was counted: the rows of a table, or else files. */
export const countedIn = ({ table }: Pick<DataSummary, 'table'>): 'row' | 'file' => (table ? 'row' : 'file');

/** What left images out: the limit alone, unless corrections were applied too. */
export const leftOutText = ({ relabels }: Pick<DataSummary, 'relabels'>): string =>
  relabels ? 'left out' : 'left out by limit';

/** What prepare-data found, in a line: `8 of 14 coat used; 6 rejected, first: train/coat/line.png is cut off; 10 train, 1
 * validation, 2 test`. */
export function dataHeadline({ uses, result }: Pick<StepStatus, 'uses' | 'result'>): string {
  const summary = summaryOf(uses, result);
  if (!summary) return '';
  const { files, incomplete = [], reasons = [] } = summary;
  const [first] = reasons;
  const classes = incomplete
    .slice(0, mostClasses)
    .map(({ class: name, found, used }) => `${used} of ${found} ${name} used`);
  const counts = files
    ? [
        `${files.used} of ${times(files.found, countedIn(summary))} used`,
        ...(files.leftOut > 0 ? [`${files.leftOut} ${leftOutText(summary)}`] : []),
      ]
    : [];
  const rejected =
    files && files.rejected > 0
      ? [`${files.rejected} rejected${first ? `, first: ${first.first[0] ?? ''} ${first.reason}` : ''}`]
      : [];
  const ignored = files && files.ignored > 0 ? [`${files.ignored} of file managers ignored`] : [];
  const sides = files ? splitCounts(result) : [];
  const said = summary.warnings?.length ?? 0;
  const warnings = said > 0 ? [times(said, 'warning')] : [];
  return visible(
    [...(classes.length > 0 ? classes : counts), ...rejected, ...ignored, ...sides, ...warnings].join('; '),
  );
}

/**
 * What a person should read of a data set before it is trained on: counts, reasons and warnings, a line each.
 *
 * @param run that the step is of
 * @param locate where a file of the store is
 */
export function dataLines(
  { id, uses, result }: Pick<StepStatus, 'id' | 'uses' | 'result'>,
  run: string,
  locate: (path: string) => string,
): string[] {
  const summary = summaryOf(uses, result);
  if (!summary) return [];
  const { files, reasons = [], incomplete = [], warnings = [], list, relabels } = summary;
  const noun = countedIn(summary);
  const isComplete = !files || files.rejected === 0;
  const lines = [
    ...(files && !(isComplete && files.ignored === 0 && files.leftOut === 0)
      ? [
          `${times(files.found, noun)} found: ${files.used} used, ${files.leftOut} ${leftOutText(summary)}, ${files.rejected} rejected, ${files.ignored} of file managers ignored`,
        ]
      : []),
    ...(relabels
      ? [
          `corrected by ${relabels.file} (SHA-256 ${relabels.sha256.slice(0, 12)}…): ${times(relabels.changed, 'label')} changed, ${times(relabels.dropped, 'image')} left out`,
        ]
      : []),
    ...incomplete.map(
      ({ class: name, found, used, rejected }) => `${used} of ${found} ${name} used; ${rejected} rejected`,
    ),
    ...reasons.map(({ reason, count, first }) =>
      count === 1
        ? `rejected: ${first[0]} ${reason}`
        : `rejected: ${count} ${noun}s, first ${first.join(', ')}: ${reason}`,
    ),
    ...(isComplete || list === undefined
      ? []
      : [`every ${noun}: ${locate(list)}`, `\`contrail dataset show ${run}\` shows all of this`]),
    ...warnings.slice(0, mostWarnings).map((warning) => `warning: ${warning}`),
    ...(warnings.length > mostWarnings ? [`and ${times(warnings.length - mostWarnings, 'more warning')}`] : []),
  ];
  // A class may be called anything: a line stays one.
  return lines.map((line) => visible(`${id}: ${line}`));
}

/** How many images are learnt from, chosen by and measured on. */
function splitCounts(result: StepStatus['result']): string[] {
  const counts = prepareDataResult.shape.counts.safeParse(result?.counts);
  return counts.success
    ? [
        splitNames
          .flatMap((split) => (counts.data[split] === undefined ? [] : `${counts.data[split]} ${splitText(split)}`))
          .join(', '),
      ]
    : [];
}

const summaryOf = (uses: string, result: StepStatus['result']) =>
  uses === 'prepare-data' && result !== null ? dataSummaryOf(result) : null;

/** What a result of prepare-data tells of its data; nothing where an older version wrote it. */
export function dataSummaryOf(result: Readonly<Record<string, unknown>>): Partial<DataSummary> {
  const fields = Object.entries(result).filter(([name]) => Object.hasOwn(dataSummarySchema.shape, name));
  const parsed = dataSummarySchema.partial().safeParse(Object.fromEntries(fields));
  return parsed.success ? (parsed.data as Partial<DataSummary>) : {};
}
