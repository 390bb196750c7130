import { times } from '../../../contracts/counted.ts';
import type { Report } from '../../../contracts/report.ts';
import type { Estimate, Retrieval } from '../../../contracts/retrieval.ts';
import type { Arm } from '../../arms.ts';
import { meanAndDeviation, percent } from '../../format.ts';
import type { Drawing } from '../../plots/draw.ts';
import { html } from '../html.ts';
import { armLabel, armRow, card, figuresOf, legend, n, type Section, table } from '../parts.ts';

const worstShown = 12;

/** What a search among the test images finds. @param comparable whether all were measured on the same test images; else none is the best */
export function retrievalSection(
  report: Report,
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
  comparable = true,
): Section | null {
  const [first] = report.retrieval;
  if (!first) return null;
  const shown = arms.filter(({ name }) => report.retrieval.some(({ arm }) => arm === name));
  const own = (arm: Arm) => report.retrieval.filter((each) => each.arm === arm.name).map((each) => each.retrieval);
  const row = (name: string, of: (found: Retrieval) => Estimate | null, goal: 'higher' | 'lower' = 'higher') => {
    const found = shown.map((arm) => own(arm).flatMap((each) => of(each) ?? []));
    const values = found.map((each) => each.flatMap(({ value }) => value ?? []));
    return armRow(name, values, (each, at) => textOf(each, found[at] ?? []), { comparable, goal });
  };
  const ks = [...new Set(report.retrieval.flatMap(({ retrieval }) => retrieval.recallAt.map(({ k }) => k)))].sort(
    (a, b) => a - b,
  );
  const rows = [
    ...ks.map((k) => row(`recall at ${k}`, ({ recallAt }) => recallAt.find((each) => each.k === k) ?? null)),
    row('R-precision', ({ rPrecision }) => rPrecision),
    row('MAP at R', ({ mapAtR }) => mapAtR),
    row('nDCG', ({ ndcg }) => ndcg),
    row(
      'equal error rate of pairs',
      ({ verification }) => ({ value: verification.equalErrorRate, interval: null }),
      'lower',
    ),
  ];
  const hasIntervals = shown.some((arm) => own(arm).length === 1);
  const { images, queries, classes, worst, dataset } = first.retrieval;
  return {
    id: 'retrieval',
    heading: 'Look-alikes',
    lead: `What the nearest images are, for ${times(queries, 'test image')} of ${times(classes, 'class', 'classes')} of ${dataset}, each among all the others.${images > queries ? ` Images that are alone in their class, for which there is nothing to find: ${images - queries}.` : ''}${hasIntervals ? ' In brackets: 95 % intervals.' : ''}`,
    body: html`${card(
      html`${legend(shown)}<div class="grid">${figuresOf(drawings, ['retrieval-recall', 'retrieval-pairs'])}</div>`,
    )}<div class="card" style="margin-top:14px">${table('Retrieval', ['', ...shown.map(armLabel)], rows)}</div>${
      worst.length === 0 || classes < 2
        ? null
        : html`<div class="card" style="margin-top:14px">${table(
            `Classes that are found least${shown.length > 1 ? `, by ${first.step}` : ''}`,
            ['class', 'queries', 'recall at 1', 'MAP at R'],
            worst
              .slice(0, worstShown)
              .map(
                (each) =>
                  [each.name, n(String(each.queries)), n(percent(each.recallAt1)), n(percent(each.mapAtR))] as const,
              ),
          )}</div>`
    }`,
  };
}

/** Of one run its value and interval; of several their mean and deviation. */
function textOf(values: readonly number[], found: readonly Estimate[]): string {
  if (values.length === 0) return 'not measured';
  const interval = found.length === 1 ? (found[0]?.interval ?? null) : null;
  const text = meanAndDeviation(values, percent);
  return interval === null ? text : `${text} (${percent(interval[0])} to ${percent(interval[1])})`;
}
