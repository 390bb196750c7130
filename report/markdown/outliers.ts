import { markdownText } from '../../contracts/markdown-text.ts';
import type { Outliers } from '../../contracts/outliers.ts';
import { percent, table } from './table.ts';

/** Out-of-distribution detection as Markdown, for people. */
export function formatOutliers({ dataset, outside, images, detectors }: Outliers): string {
  const [known, foreign] = [markdownText(dataset), markdownText(outside)];
  return `# ${known} told from ${foreign}

${images.known} test images of ${known}, whose classes are known, and ${images.outside} of ${foreign}, of which none should pass for
one of them.

${table(
  ['score', 'AUROC', `${outside} that passes where 95 % of ${dataset} does`],
  detectors.map(({ name, auroc, falsePositivesAt95 }) => [name, auroc.toFixed(4), percent(falsePositivesAt95)]),
)}

An AUROC of 0.5 is chance, 1 is perfect.
`;
}
