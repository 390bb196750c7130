import type { Comparison, MeasureComparison } from '../../contracts/comparison.ts';
import { markdownLine, markdownText } from '../../contracts/markdown-text.ts';
import { mostDifferent } from '../most-different.ts';
import { table } from './table.ts';

const shownClasses = 50;

const figure = (value: number) => value.toFixed(4);
const signed = (value: number) => (value < 0 ? figure(value) : `+${figure(value)}`);
const withDeviation = ({ mean, deviation }: MeasureComparison['a']) =>
  deviation === null ? figure(mean) : `${figure(mean)} ± ${figure(deviation)}`;

/** A comparison as Markdown, for people. */
export function formatComparison({ dataset, a, b, pairs, measures, classes, corruption, notes }: Comparison): string {
  const verdictOf = ({ verdict }: MeasureComparison) =>
    ({ 'a is better': a, 'b is better': b, 'none shown': 'none shown' })[verdict];
  const measuresTable = (first: string, rows: readonly MeasureComparison[]) =>
    table(
      [first, a, b, 'difference', '95 % interval', 'better'],
      rows.map((each) => [
        `${each.measure} ${each.goal === 'higher' ? '↑' : '↓'}`,
        withDeviation(each.a),
        withDeviation(each.b),
        signed(each.difference.mean),
        each.difference.interval ? each.difference.interval.map(signed).join(' to ') : '–',
        verdictOf(each),
      ]),
    );
  const [nameA, nameB] = [markdownText(a), markdownText(b)];
  const sections = [
    `# ${nameA} against ${nameB} on ${markdownText(dataset)}`,
    `${pairs === 1 ? 'One pair of runs' : `${pairs} pairs of runs`}; runs of a pair differ in nothing but the arm. Means ± sample standard deviations; the difference is ${nameA} − ${nameB}, within the pairs. ${
      pairs === 1
        ? 'One pair says nothing of chance: there is no interval.'
        : 'Where the 95 % interval (Student’s t) covers 0, no difference is shown.'
    }`,
    measuresTable('measure', measures),
    '## F1 by class',
    ...(classes.length > shownClasses ? [`The ${shownClasses} of ${classes.length} classes that differ most.`] : []),
    measuresTable('class', mostDifferent(classes, shownClasses)),
    ...(corruption
      ? [
          '## Corruption error',
          `Errors on corrupted images beside those of ${nameB}, by corruption; the mean over corruptions. The relative one is of what is lost beyond the clean error.`,
          table(
            ['arm', 'mCE', 'relative mCE'],
            (
              [
                [a, corruption.a],
                [b, corruption.b],
              ] as const
            ).map(([name, { mCE, relative }]) => [name, figure(mCE), relative === null ? '–' : figure(relative)]),
          ),
        ]
      : []),
    ...(notes && notes.length > 0 ? ['## Notes', notes.map((note) => `- ${markdownLine(note)}`).join('\n')] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}
