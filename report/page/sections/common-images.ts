import { metricNames } from '../../../contracts/models.ts';
import type { Arm } from '../../arms.ts';
import type { CommonImages } from '../../comparison/common-images.ts';
import { count, ifMeasured, percent, points } from '../../format.ts';
import { html } from '../html.ts';
import { armLabel, card, n, type Section, table } from '../parts.ts';

const titles = { top1: 'accuracy (top-1)', top5: 'top-5', macroF1: 'macro F1', knn: 'nearest neighbours' } as const;

/** Runs that were measured on different test images, on those that they have in common. */
export function commonImagesSection(
  { common, fresh, problem, arms: measured, difference }: CommonImages,
  arms: readonly Arm[],
): Section {
  const lead = `They were measured on different test images: ${count(common)} in common.${
    problem === null
      ? ` On ${count(fresh)} of these, which no model has seen in training or validation, they compare.`
      : ` ${problem} So nothing here says which is better.`
  }`;
  const rows = metricNames.map((metric) => {
    const values = measured.map((each) => each.values[metric]);
    const known = values.flatMap((value) => value ?? []);
    const best = Math.max(...known);
    return [
      titles[metric],
      ...values.map((value) =>
        n(
          ifMeasured(value, percent),
          known.length > 1 && new Set(known.map((each) => percent(each))).size > 1 && value === best,
        ),
      ),
    ] as const;
  });
  const [a, b] = measured;
  return {
    id: 'common',
    heading: 'Common test images',
    lead,
    body:
      measured.length === 0
        ? html``
        : card(
            html`${table(
              `On ${count(fresh)} test images`,
              [
                '',
                ...measured.map(({ arm }) =>
                  armLabel(arms.find(({ name }) => name === arm) ?? { name: arm, index: 0 }),
                ),
              ],
              rows,
            )}${
              difference && a && b
                ? html`<p class="note">Accuracy of ${a.arm} less that of ${b.arm}: ${points(difference.value)} percentage points, 95 % interval ${points(difference.interval[0])} to ${points(difference.interval[1])} over such images${
                    difference.interval[0] <= 0 && difference.interval[1] >= 0
                      ? ', which covers 0: no difference is shown'
                      : ''
                  }.</p>`
                : null
            }`,
          ),
  };
}
