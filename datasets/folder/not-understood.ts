import { ContrailError } from '../../contracts/errors.ts';
import { visible } from '../../contracts/visible-text.ts';
import { nounOf, shownName, type Unused } from '../account.ts';

/** Problems that are told; the list has all. */
const mostProblems = 12;
const mostRejectedShown = 5;

/**
 * A folder or table that cannot be used as a whole: all that is wrong with it, in one error.
 *
 * @param of.list where all files are listed
 * @param of.layout what it should be like
 */
export function notUnderstood(
  path: string,
  {
    problems,
    rejected,
    list,
    layout,
  }: {
    readonly problems: readonly string[];
    readonly rejected: readonly Unused[];
    readonly list: string | null;
    readonly layout: string;
  },
): ContrailError {
  const more = problems.length - mostProblems;
  const noun = nounOf(rejected);
  return new ContrailError(
    'InvalidDataset',
    [
      `${visible(path)} cannot be used as it is${problems.length === 1 ? '' : `: ${problems.length} problems`}.`,
      ...problems.slice(0, mostProblems).map((problem) => `  - ${visible(problem)}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
      ...(rejected.length > 0
        ? [
            `${rejected.length === 1 ? `One ${noun} is` : `${rejected.length} ${noun}s are`} rejected besides:`,
            ...rejected.slice(0, mostRejectedShown).map((each) => `  ${visible(`${shownName(each)} ${each.reason}`)}`),
            ...(rejected.length > mostRejectedShown ? [`  and ${rejected.length - mostRejectedShown} more`] : []),
          ]
        : []),
      ...(list === null ? [] : [`All ${noun}s that were found: ${list}`]),
      layout,
    ].join('\n'),
  );
}
