import { count, times } from '../../../contracts/counted.ts';
import { metricNames } from '../../../contracts/models.ts';
import type { CommonImages } from '../../../evaluation/comparison/common-images.ts';
import type { Arm } from '../../arms.ts';
import { ifMeasured, percent, points } from '../../format.ts';
import { html } from '../html.ts';
import { armLabel, card, n, type Section, table } from '../parts.ts';

const titles = { top1: 'accuracy (top-1)', top5: 'top-5', macroF1: 'macro F1', knn: 'nearest neighbours' } as const;

/** Runs that were measured on different test images, on those that they have in common. */
export function commonImagesSection(
  { common, fresh, problem, arms: measured, difference }: CommonImages,
  arms: readonly Arm[],
): Section {
  const left = common - fresh;
  const inAll = `They were measured on different test images${common === 0 ? '' : `; ${times(common, 'image is', 'images are')} in the test set of each`}.`;
  const lead =
    problem !== null
      ? `${inAll} ${problem} So nothing here says which is better.`
      : left === 0
        ? `${inAll} No model has seen any of these in training or validation.`
        : `${inAll} ${times(left, 'of these is', 'of these are')} left out, because a model has seen them in training or validation, or they are of another class in the other run.`;
  const rows = metricNames.map((metric) => {
    const values = measured.map((each) => each.values[metric]);
    return [titles[metric], ...values.map((value) => n(ifMeasured(value, percent)))] as const;
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
