import { markdownText } from '../../contracts/markdown-text.ts';
import { type Robustness, severities } from '../../contracts/robustness.ts';
import { mean as meanOf } from '../../evaluation/metrics/statistics.ts';
import { percent, table } from './table.ts';

/** Robustness as Markdown, for people. */
export function formatRobustness({ dataset, testImages, seed, clean, corruptions, mean }: Robustness): string {
  const bySeverity = severities.map((_, index) => meanOf(corruptions.map(({ accuracy }) => accuracy[index] ?? 0)));
  return `# Robustness on ${markdownText(dataset)}, ${testImages} test images

Accuracy on the images as they are: ${percent(clean)}. On spoilt images, over all corruptions and severities: ${percent(mean)}.
The images are spoilt anew from seed ${seed}, in the same way for every model.

${table(
  ['corruption', ...severities.map((severity) => `severity ${severity}`), 'mean'],
  [
    ...corruptions.map(({ name, accuracy }) => [name, ...accuracy.map(percent), percent(meanOf(accuracy))]),
    ['mean', ...bySeverity.map(percent), percent(mean)],
  ],
)}
`;
}
