import { splitText } from '../../../contracts/artifacts.ts';
import { times } from '../../../contracts/counted.ts';
import type { Report } from '../../../contracts/report.ts';
import type { Estimate, Retrieval, Unknown } from '../../../contracts/retrieval.ts';
import { capitalised } from '../../../contracts/short-text.ts';
import type { Arm } from '../../arms.ts';
import { meanAndDeviation, percent } from '../../format.ts';
import type { Drawing } from '../../plots/draw.ts';
import { retrievalNotes, unknownRule } from '../../retrieval-notes.ts';
import { type SearchGroup, searchesOf } from '../../searches.ts';
import { type Html, html } from '../html.ts';
import { armLabel, armRow, byArm, card, figuresOf, legend, n, type Section, table } from '../parts.ts';

const worstShown = 12;
const categoriesShown = 30;

/** What searches for look-alikes find. @param comparable whether all were measured on the same test images; else none is the best */
export function retrievalSection(
  report: Report,
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
  comparable = true,
): Section | null {
  const searches = searchesOf(report.retrieval);
  const [first] = report.retrieval;
  if (!first) return null;
  const hasIntervals = arms.some((arm) => searches.some(({ found }) => ofArm(found, arm).length === 1));
  return {
    id: 'retrieval',
    heading: 'Look-alikes',
    lead: `What the nearest images are, by the embedding alone.${hasIntervals ? ' In brackets: 95 % intervals.' : ''}`,
    body: html`${searches.map((search) => searchOf(search, arms, drawings, comparable))}`,
  };
}

const ofArm = (found: Report['retrieval'], arm: Arm): readonly Retrieval[] =>
  found.filter((each) => each.arm === arm.name).map((each) => each.retrieval);

function searchOf(
  { title, suffix, first, found }: SearchGroup,
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
  comparable: boolean,
): Html {
  const { classes, dataset, worst, categories } = first.retrieval;
  // Data sets of one name may be others.
  const isSame = comparable && new Set(found.map((each) => each.dataset)).size === 1;
  const shown = arms.filter((arm) => ofArm(found, arm).length > 0);
  const several = found.filter((each) => each.arm === first.arm).length > 1 && first.variant !== '';
  const by = shown.length > 1 ? `, by ${first.arm}${several ? ` (${first.variant})` : ''}` : '';
  const space = html`<div style="margin-top:14px"></div>`;
  return html`<h3${suffix === '' ? null : html` style="margin-top:28px"`}>${capitalised(title)}</h3><p class="muted">${dataset}, ${times(classes, 'class', 'classes')}. ${retrievalNotes(first.retrieval).join(' ')}</p>${card(
    html`${legend(shown)}<div class="grid">${figuresOf(drawings, [`retrieval-recall${suffix}`, `retrieval-pairs${suffix}`])}</div>`,
  )}${space}${card(byArm('Retrieval', shown.map(armLabel), measureRows(found, shown, isSame)))}${
    found.some(({ retrieval }) => retrieval.unknown !== null)
      ? html`${space}${card(html`${byArm('Known or unknown', shown.map(armLabel), unknownRows(found, shown, isSame))}<p class="muted">${unknownText(first.retrieval.unknown)}</p>`)}`
      : null
  }${
    categories.length < 2
      ? null
      : html`${space}${foundLeast(['Categories', 'category'], by, categories.slice(0, categoriesShown), (measure) => textOf(valuesOf([measure]), [measure]))}`
  }${
    worst.length === 0 || classes < 2
      ? null
      : html`${space}${foundLeast(['Classes', 'class'], by, worst.slice(0, worstShown), percent)}`
  }`;
}

interface Found<T> {
  readonly name: string;
  readonly queries: number;
  readonly recallAt1: T;
  readonly mapAtR: T;
}

/** The categories or classes that are found least. @param by the search that found them so, where there are several */
const foundLeast = <T>(
  [many, one]: readonly [string, string],
  by: string,
  found: readonly Found<T>[],
  text: (measure: T) => string,
): Html =>
  card(
    table(
      `${many} that are found least${by}`,
      [one, 'queries', 'recall at 1', 'MAP at R'],
      found.map(({ name, queries, recallAt1, mapAtR }) => [
        name,
        n(String(queries)),
        n(text(recallAt1)),
        n(text(mapAtR)),
      ]),
    ),
  );

type Goal = 'higher' | 'lower';

/** A row of the table: a measure of each arm. */
function rowOf(found: Report['retrieval'], shown: readonly Arm[], comparable: boolean) {
  return (name: string, of: (found: Retrieval) => Estimate | null, goal: Goal = 'higher') => {
    const estimates = shown.map((arm) => ofArm(found, arm).flatMap((each) => of(each) ?? []));
    return armRow(name, estimates.map(valuesOf), (each, at) => textOf(each, estimates[at] ?? []), { comparable, goal });
  };
}

function measureRows(found: Report['retrieval'], shown: readonly Arm[], comparable: boolean) {
  const row = rowOf(found, shown, comparable);
  const ks = [...new Set(found.flatMap(({ retrieval }) => retrieval.recallAt.map(({ k }) => k)))].sort((a, b) => a - b);
  return [
    ...ks.map((k) => row(`recall at ${k}`, ({ recallAt }) => recallAt.find((each) => each.k === k) ?? null)),
    row('R-precision', ({ rPrecision }) => rPrecision),
    row('MAP at R', ({ mapAtR }) => mapAtR),
    row('nDCG', ({ ndcg }) => ndcg),
    row('equal error rate of pairs', ({ verification }) => single(verification.equalErrorRate), 'lower'),
  ];
}

function unknownRows(found: Report['retrieval'], shown: readonly Arm[], comparable: boolean) {
  const row = rowOf(found, shown, comparable);
  const test = (name: string, of: (told: Unknown) => number | null, goal?: Goal) =>
    row(name, ({ unknown }) => unknown && single(of(unknown.test)), goal);
  return [
    test('AUROC', ({ auroc }) => auroc),
    test('OSCR, area', ({ oscr }) => oscr),
    test('unseen images called unknown', ({ unseenRefused }) => unseenRefused),
    test('known images called unknown', ({ knownRefused }) => knownRefused, 'lower'),
  ];
}

function unknownText(unknown: Retrieval['unknown']): string {
  if (unknown === null) return '';
  const { images } = unknown.test;
  const on = `On ${times(images.known, `${splitText('test')} image`)} of trained classes and ${times(images.unseen, 'image')} of classes that were never trained on.`;
  return `${on} ${unknownRule(unknown, percent)}`;
}

const single = (value: number | null): Estimate => ({ value, interval: null });
const valuesOf = (found: readonly Estimate[]): number[] => found.flatMap(({ value }) => value ?? []);

/** Of one run its value and interval; of several their mean and deviation. */
function textOf(values: readonly number[], found: readonly Estimate[]): string {
  if (values.length === 0) return 'not measured';
  const interval = found.length === 1 ? (found[0]?.interval ?? null) : null;
  const text = meanAndDeviation(values, percent);
  return interval === null ? text : `${text} (${percent(interval[0])} to ${percent(interval[1])})`;
}
