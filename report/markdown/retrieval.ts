import { markdownText } from '../../contracts/markdown-text.ts';
import type { Estimate, Retrieval } from '../../contracts/retrieval.ts';
import { percent, table } from './table.ts';

const percentOf = (value: number | null) => (value === null ? 'not measured' : percent(value));
const intervalOf = ({ interval }: Estimate) =>
  interval === null ? 'none' : `${percent(interval[0])} to ${percent(interval[1])}`;

/** Retrieval as Markdown, for people. */
export function formatRetrieval(found: Retrieval): string {
  const { dataset, images, queries, classes, resampled, recallAt, worst, verification } = found;
  const { pairs, equalErrorRate, chosen } = verification;
  const measures: readonly (readonly [string, Estimate])[] = [
    ...recallAt.map((each) => [`recall at ${each.k}`, each] as const),
    ['R-precision', found.rPrecision],
    ['MAP at R', found.mapAtR],
    ['nDCG', found.ndcg],
  ];
  return `# Retrieval among ${images} test images of ${markdownText(dataset)}

Each of ${queries} images is a query among all the others; ${images - queries} are alone in their class, which leaves nothing to find.
The intervals are of ${classes} classes, by drawing ${resampled === 'classes' ? 'whole classes' : 'single queries'} anew.

${table(
  ['measure', 'mean', '95 % interval'],
  measures.map(([name, each]) => [name, percentOf(each.value), intervalOf(each)]),
)}

## Is it the same class?

On ${pairs.same} pairs of one class and ${pairs.different} of different classes. Equal error rate: ${percentOf(equalErrorRate)}.
${
  chosen === null
    ? 'There are no validation pairs to choose a threshold on.'
    : `For at most ${percent(chosen.wanted)} false accepts, validation images chose the cosine similarity ${chosen.threshold.toFixed(4)}. On test images it accepts ${percentOf(chosen.trueAccepts)} of the pairs of one class and ${percentOf(chosen.falseAccepts)} of the others.`
}
${
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
