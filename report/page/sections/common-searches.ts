import { times } from '../../../contracts/counted.ts';
import { capitalised } from '../../../contracts/short-text.ts';
import type { CommonSearch, CommonSearches } from '../../../evaluation/comparison/common-searches.ts';
import type { Arm } from '../../arms.ts';
import { percent, points } from '../../format.ts';
import { type Html, html } from '../html.ts';
import { armLabel, card, n, type Section, table } from '../parts.ts';

const titles = { recallAt1: 'recall at 1', mapAtR: 'MAP at R' } as const;

/** Searches of two runs, on the queries that are new to both. */
export function commonSearchesSection({ compared, notCompared }: CommonSearches, arms: readonly Arm[]): Section | null {
  if (compared.length + notCompared.length === 0) return null;
  return {
    id: 'searches',
    heading: 'The same searches',
    lead: 'On the queries that neither encoder has seen in training or validation, and that do not leak. Intervals are by drawing whole classes anew, or single queries where there are few classes.',
    body: html`${compared.map((search) => ofSearch(search, arms))}${notCompared.map(
      (sentence) => html`<p class="muted">${capitalised(sentence)}</p>`,
    )}`,
  };
}

function ofSearch(
  { title, arms: [a, b], variants, queries, problem, measures }: CommonSearch,
  arms: readonly Arm[],
): Html {
  const heading = html`<h3>${capitalised(title)}</h3>`;
  if (problem !== null)
    return html`${heading}<p class="muted">${a} and ${b} are not compared: ${problem} So nothing here says which is better.</p>`;
  const label = (arm: string, variant: string) =>
    html`${armLabel(arms.find(({ name }) => name === arm) ?? { name: arm, index: 0 })}${variant === '' ? null : html` <span class="muted">${variant}</span>`}`;
  return html`${heading}${card(
    table(
      `On ${times(queries, 'query', 'queries')}`,
      ['', label(a, variants[0]), label(b, variants[1]), 'difference (percentage points)'],
      measures.map(({ metric, values, interval: [low, high] }) => [
        titles[metric],
        ...values.map((value) => n(percent(value))),
        n(
          `${points(values[0] - values[1])} (${points(low)} to ${points(high)})${low <= 0 && high >= 0 ? ', no difference is shown' : ''}`,
        ),
      ]),
    ),
  )}`;
}
