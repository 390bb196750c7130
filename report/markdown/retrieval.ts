import { splitText } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import { markdownText } from '../../contracts/markdown-text.ts';
import { type Estimate, type Retrieval, searchText, type Unknown } from '../../contracts/retrieval.ts';
import { ifMeasured } from '../format.ts';
import { retrievalNotes, unknownRule } from '../retrieval-notes.ts';
import { percent, table } from './table.ts';

const percentOf = (value: number | null) => ifMeasured(value, percent);
const intervalOf = ({ interval }: Estimate) =>
  interval === null ? 'none' : `${percent(interval[0])} to ${percent(interval[1])}`;

/** Retrieval as Markdown, for people. */
export function formatRetrieval(found: Retrieval): string {
  const { dataset, classes, resampled, recallAt, worst, categories, verification } = found;
  const { pairs, equalErrorRate, chosen } = verification;
  const measures: readonly (readonly [string, Estimate])[] = [
    ...recallAt.map((each) => [`recall at ${each.k}`, each] as const),
    ['R-precision', found.rPrecision],
    ['MAP at R', found.mapAtR],
    ['nDCG', found.ndcg],
  ];
  return `# Retrieval of ${markdownText(dataset)}: ${markdownText(searchText(found))}

${retrievalNotes(found).join('\n')}
The intervals are of ${times(classes, 'class', 'classes')}, by drawing ${resampled === 'classes' ? 'whole classes' : 'single queries'} anew.

${table(
  ['measure', 'mean', '95 % interval'],
  measures.map(([name, each]) => [name, percentOf(each.value), intervalOf(each)]),
)}

## Is it the same class?

On ${pairs.same} pairs of one class and ${pairs.different} of different classes. Equal error rate: ${percentOf(equalErrorRate)}.
${
  chosen === null
    ? 'There are no validation pairs to choose a threshold on.'
    : `For at most ${percent(chosen.wanted)} false accepts, ${splitText(chosen.chosenOn ?? 'validation')} images chose the cosine similarity ${chosen.threshold.toFixed(4)}. Here it accepts ${percentOf(chosen.trueAccepts)} of the pairs of one class and ${percentOf(chosen.falseAccepts)} of the others.`
}
${unknownSection(found.unknown)}${
  categories.length < 2
    ? ''
    : `
## By category

${table(
  ['category', 'queries', 'recall at 1', '95 % interval', 'MAP at R', '95 % interval'],
  categories.map(({ name, queries, recallAt1, mapAtR }) => [
    name,
    queries,
    percentOf(recallAt1.value),
    intervalOf(recallAt1),
    percentOf(mapAtR.value),
    intervalOf(mapAtR),
  ]),
)}
`
}${
  worst.length === 0
    ? ''
    : `
## The classes that are found least

${table(
  ['class', 'queries', 'recall at 1', 'MAP at R'],
  worst.slice(0, 20).map((each) => [each.name, each.queries, percent(each.recallAt1), percent(each.mapAtR)]),
)}
`
}`;
}

function unknownSection(unknown: Retrieval['unknown']): string {
  if (unknown === null) return '';
  const row = (name: string, { images, auroc, oscr, knownRefused, unseenRefused }: Unknown) => [
    name,
    images.known,
    images.unseen,
    percentOf(auroc),
    percentOf(oscr),
    percentOf(knownRefused),
    percentOf(unseenRefused),
  ];
  return `
## Known or unknown?

${unknownRule(unknown, percent)}

${table(
  [
    'images',
    'of trained classes',
    'of unseen classes',
    'AUROC',
    'OSCR, area',
    'known called unknown',
    'unseen called unknown',
  ],
  [row('test', unknown.test), ...(unknown.validation ? [row('validation', unknown.validation)] : [])],
)}
`;
}
