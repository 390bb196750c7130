import type { DatasetAbout } from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { wasForgotten } from '../contracts/forgotten.ts';
import { visible } from '../contracts/visible-text.ts';
import { nounOf, type Unused } from './account.ts';
import { imagesOfClass } from './count-per-class.ts';
import { reasonsOf } from './reasons.ts';

const mostNamed = 8;

/**
 * Refuses a data set with too many unusable files, a class of which nothing is left, or nothing to train on; all of it in one
 * error.
 *
 * @param of.found images of each class, those that cannot be used among them
 * @throws ContrailError InvalidDataset
 */
export function requireUsable(
  { classes, found }: { readonly classes: readonly string[]; readonly found: readonly number[] },
  splits: DatasetAbout['splits'],
  {
    rejected,
    maximumRejected,
    list = null,
  }: {
    readonly rejected: readonly Unused[];
    readonly maximumRejected: number;
    readonly list?: string | null;
  },
): void {
  const problems: string[] = [];
  const noun = nounOf(rejected);
  const used = classes.map((_, label) => imagesOfClass(splits, label));
  const lost = classes.filter((_, label) => (found[label] ?? 0) > 0 && used[label] === 0);
  const unusable = rejected.filter(({ reason }) => !wasForgotten(reason)).length;
  if (unusable > maximumRejected)
    problems.push(
      `${unusable === 1 ? `One ${noun}` : `${unusable} ${noun}s`} cannot be used, and maximumRejected is ${maximumRejected}. Mend or remove them, or raise it.`,
    );
  if (rejected.length > 0 && lost.length > 0)
    problems.push(
      `No image is left of ${lost.slice(0, mostNamed).join(', ')}${lost.length > mostNamed ? ` and ${times(lost.length - mostNamed, 'more class', 'more classes')}` : ''}: mend the files, or remove the class.`,
    );
  const trained = splits.train.perClass.filter((count) => count > 0).length;
  if (trained < 2)
    problems.push(
      `The training set has images of ${trained === 0 ? 'no class' : 'one class'}; at least 2 are needed. Add images, or lower \`validation\` and \`test\`.`,
    );
  if (problems.length === 0) return;
  const reasons =
    rejected.length === 0
      ? []
      : reasonsOf(rejected).map(
          ({ reason, count, first }) =>
            `  ${count === 1 ? '' : `${count} ${noun}s, first `}${first
              .slice(0, count === 1 ? 1 : 3)
              .map(visible)
              .join(', ')}: ${visible(reason)}`,
        );
  throw new ContrailError(
    'InvalidDataset',
    [...problems, ...reasons, ...(list === null ? [] : [`Every ${noun} and what became of it: ${list}`])].join('\n'),
  );
}
