import type { Comparison, MeasureComparison } from '../../../contracts/comparison.ts';
import { times } from '../../../contracts/counted.ts';
import type { Report } from '../../../contracts/report.ts';
import { meanAndDeviation, percent, points } from '../../format.ts';
import { mostDifferent } from '../../most-different.ts';
import type { Drawing } from '../../plots/draw.ts';
import { differenceText, isShare } from '../../plots/measures.ts';
import { html } from '../html.ts';
import { card, figureOf, n, type Section, table } from '../parts.ts';

const shownClasses = 50;

/** What a comparison says, in a sentence: of accuracy where it is there, else of its first measure. */
export function verdictOf({ a, b, pairs, measures }: Comparison): string {
  const main = measures.find(({ measure }) => /^top-?1\b/.test(measure)) ?? measures[0];
  if (!main) return '';
  const { difference, verdict, measure } = main;
  const text = (value: number) => (isShare(main) ? `${points(value)} percentage points` : differenceText(main, value));
  const over = times(pairs, 'pair');
  if (difference.interval === null)
    return `${a} and ${b} were each run once: the difference of ${text(difference.mean)} in ${measure} may be chance. No difference is shown.`;
  const interval = `95 % interval ${differenceText(main, difference.interval[0])} to ${differenceText(main, difference.interval[1])}`;
  if (verdict === 'none shown')
    return `No difference between ${a} and ${b} is shown in ${measure}: ${text(difference.mean)} over ${over}, ${interval}, which covers 0.`;
  const [better, worse] = verdict === 'a is better' ? [a, b] : [b, a];
  return `${better} is better than ${worse} in ${measure}: a difference of ${text(Math.abs(difference.mean))} over ${over} (${a} − ${b}: ${interval}).`;
}

/** Arms beside each other, by the differences of runs with the same seed. */
export function comparisons(report: Report, drawings: ReadonlyMap<string, Drawing>): Section | null {
  if (report.comparisons.length === 0) return null;
  return {
    id: 'comparison',
    heading: 'Comparison',
    lead: 'Differences of runs with the same seed, with 95 % intervals by Student’s t. Where the interval covers 0, or there is one run of each, no difference is shown.',
    body: html`${report.comparisons.map(({ step, comparison }) => {
      const { a, b, measures, classes, corruption, notes = [] } = comparison;
      const [plot, byClass] = [drawings.get(`comparison-${step}`), drawings.get(`comparison-${step}-classes`)];
      return html`<div class="grid">${plot ? card(figureOf(plot)) : null}${byClass ? card(figureOf(byClass)) : null}</div>
<div class="card" style="margin-top:14px">${table(
        'Every measure; bold where a difference is shown',
        ['measure', a, b, `${a} − ${b}`, '95 % interval', 'verdict'],
        measures.map((measure) => rowOf(measure, a, b)),
      )}${
        corruption === null
          ? null
          : html`<p class="note">Mean corruption error with ${b} as the reference: ${a} ${corruption.a.mCE.toFixed(3)}, ${b} ${corruption.b.mCE.toFixed(3)}${
              corruption.a.relative === null ? '' : `; relative ${corruption.a.relative.toFixed(3)}`
            }. Below 1 is more robust.</p>`
      }${notes.map((note) => html`<p class="note">${note}</p>`)}${
        classes.length === 0
          ? null
          : html`<details><summary>F1 of each class</summary>${table(
              classes.length > shownClasses
                ? `F1 of the ${shownClasses} classes that differ most, of ${classes.length}`
                : 'F1 of each class',
              ['class', a, b, `${a} − ${b}`, '95 % interval', 'verdict'],
              mostDifferent(classes, shownClasses).map((measure) => rowOf(measure, a, b)),
            )}</details>`
      }</div>`;
    })}`,
  };
}

function rowOf(measure: MeasureComparison, a: string, b: string) {
  const { difference, verdict } = measure;
  const text = (value: number) => (isShare(measure) ? percent(value) : value.toFixed(3));
  const side = ({ values }: MeasureComparison['a']) => n(meanAndDeviation(values, text));
  const shown = verdict !== 'none shown';
  const words =
    verdict === 'a is better' ? `${a} is better` : verdict === 'b is better' ? `${b} is better` : 'none shown';
  return [
    measure.measure,
    side(measure.a),
    side(measure.b),
    n(differenceText(measure, difference.mean), shown),
    n(
      difference.interval === null
        ? '–'
        : `${differenceText(measure, difference.interval[0])} … ${differenceText(measure, difference.interval[1])}`,
    ),
    { text: words, best: shown },
  ] as const;
}
