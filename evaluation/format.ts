import type { Evaluation } from '../contracts/evaluation.ts';

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [row(head), row(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(row)].join('\n');

/** An evaluation as Markdown, for people. */
export function formatEvaluation(evaluation: Evaluation): string {
  const { classes, perClass, confusion, knn, geometry } = evaluation;
  return `# Evaluation on ${evaluation.dataset}, ${evaluation.testImages} test images

${table(
  ['measure', 'value'],
  [
    ['top-1 accuracy', percent(evaluation.top1)],
    ['top-5 accuracy', percent(evaluation.top5)],
    ['macro F1', evaluation.macroF1.toFixed(4)],
    ...knn.map(({ k, accuracy }) => [`${k}-nearest-neighbour accuracy`, percent(accuracy)] as const),
    ['expected calibration error', evaluation.expectedCalibrationError.toFixed(4)],
    ['silhouette (cosine)', geometry.silhouette.toFixed(4)],
    ['distance within / between classes', `${geometry.intra.toFixed(3)} / ${geometry.inter.toFixed(3)}`],
    ['recall at 1', percent(geometry.recallAt1)],
    ['MAP at R', geometry.mapAtR.toFixed(4)],
  ],
)}

## By class

${table(
  ['class', 'precision', 'recall', 'F1', 'images'],
  perClass.map(({ precision, recall, f1, support }, label) => [
    classes[label] ?? label,
    precision.toFixed(3),
    recall.toFixed(3),
    f1.toFixed(3),
    support,
  ]),
)}

## Confusion matrix

Rows are true classes, columns predictions.

${table(
  ['', ...classes],
  confusion.map((counts, label) => [classes[label] ?? label, ...counts]),
)}

## Most confused

${evaluation.mostConfused.map(({ a, b, count }) => `- ${a} and ${b}: ${count} images`).join('\n')}
`;
}
