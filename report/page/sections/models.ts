import { count } from '../../../contracts/counted.ts';
import type { PromotionReport, Report } from '../../../contracts/report.ts';
import { ifMeasured, signed } from '../../format.ts';
import { type Html, html } from '../html.ts';
import { card, n, type Section, table } from '../parts.ts';

/** What became of the models of the run: whether each took the place of the one before, why, and on how many images. */
export function modelsSection({ promotions }: Pick<Report, 'promotions'>): Section | null {
  if (promotions.length === 0) return null;
  return {
    id: 'models',
    heading: promotions.length === 1 ? 'The model' : 'Models',
    lead: 'A model takes the place of the current one of its name if it is better on test images that neither has seen in training or validation.',
    body: html`${promotions.map((promotion) => card(promotionOf(promotion)))}`,
  };
}

function promotionOf({ step, model, metric, result }: PromotionReport): Html {
  const { promoted, version, reason, before, after, images, seen, low, high } = result;
  const value = (measure: number | null) => n(ifMeasured(measure, (known) => known.toFixed(4)));
  return html`<h3>${model}: ${promoted ? `promoted, version ${version} now` : `not promoted${version === null ? '' : `; version ${version} stays`}`}</h3><p>Why: ${reason}.</p>${
    images === null
      ? null
      : table(
          `What ${step} compared`,
          ['', 'value'],
          [
            [`${metric} of the new model`, value(after)],
            [`${metric} of the current one`, value(before)],
            ['test images compared', n(count(images))],
            ['test images left out, which one of them has seen', n(count(seen ?? 0))],
            [
              '95 % interval of the difference',
              n(low === null || high === null ? 'not measured' : `${signed(low, 4)} to ${signed(high, 4)}`),
            ],
          ],
        )
  }`;
}
