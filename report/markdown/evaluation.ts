import type { Evaluation } from '../../contracts/evaluation.ts';
import { percent, table } from './table.ts';

const shownMistakes = 10;

/** An evaluation as Markdown, for people. What evaluations of earlier versions lack is left out. */
export function formatEvaluation(evaluation: Evaluation): string {
  const sections = [
    `# Evaluation on ${evaluation.dataset}, ${evaluation.testImages} test images`,
    classifierTable(evaluation),
    embeddingSection(evaluation),
    perClassSection(evaluation),
    confusionSection(evaluation),
    confusedSection(evaluation),
    mistakesSection(evaluation),
    calibrationSection(evaluation),
  ];
  return `${sections.filter((section) => section !== null).join('\n\n')}\n`;
}

const classifierTable = ({ top1, top5, macroF1, expectedCalibrationError, knn }: Evaluation) =>
  table(
    ['classifier', 'value'],
    [
      ['top-1 accuracy', percent(top1)],
      ['top-5 accuracy', percent(top5)],
      ['macro F1', macroF1.toFixed(4)],
      ['expected calibration error', expectedCalibrationError.toFixed(4)],
      ...knn.map(({ k, accuracy }) => [`${k}-nearest-neighbour accuracy, without the classifier`, percent(accuracy)]),
    ],
  );

const embeddingSection = ({ geometry }: Evaluation) => `## The embedding

On ${geometry.images} test images, each compared with all others.

${table(
  ['measure', 'value'],
  [
    ...(geometry.recallAt ?? [{ k: 1, value: geometry.recallAt1 }]).map(({ k, value }) => [
      `recall at ${k}`,
      percent(value),
    ]),
    ...(geometry.rPrecision === undefined ? [] : [['R-precision', geometry.rPrecision.toFixed(4)]]),
    ['MAP at R', geometry.mapAtR.toFixed(4)],
    ['silhouette (cosine)', geometry.silhouette.toFixed(4)],
    ['distance within / between classes', `${geometry.intra.toFixed(3)} / ${geometry.inter.toFixed(3)}`],
    ['alignment', geometry.alignment.toFixed(4)],
    ['uniformity', geometry.uniformity.toFixed(4)],
  ],
)}`;

const perClassSection = ({ classes, perClass }: Evaluation) => `## By class

${table(
  ['class', 'precision', 'recall', 'F1', 'images'],
  perClass.map(({ precision, recall, f1, support }, label) => [
    classes[label] ?? label,
    precision.toFixed(3),
    recall.toFixed(3),
    f1.toFixed(3),
    support,
  ]),
)}`;

const confusionSection = ({ classes, confusion }: Evaluation) => `## Confusion matrix

Rows are true classes, columns predictions.

${table(
  ['', ...classes],
  confusion.map((counts, label) => [classes[label] ?? label, ...counts]),
)}`;

const confusedSection = ({ mostConfused }: Evaluation) =>
  mostConfused.length === 0
    ? null
    : `## Most confused

${mostConfused.map(({ a, b, count }) => `- ${a} and ${b}: ${count} images`).join('\n')}`;

const mistakesSection = ({ worst, classes }: Evaluation) =>
  worst === undefined || worst.length === 0
    ? null
    : `## Worst mistakes

Wrong predictions, the most confident first. Rows are those of the test split.

${table(
  ['class', 'taken for', 'confidence', 'row'],
  worst
    .slice(0, shownMistakes)
    .map(({ row, label, predicted, confidence }) => [
      classes[label] ?? label,
      classes[predicted] ?? predicted,
      percent(confidence),
      row,
    ]),
)}`;

const calibrationSection = ({ reliability }: Evaluation) =>
  reliability === undefined
    ? null
    : `## Calibration

Images by the confidence of their prediction: where it can be trusted, accuracy and confidence are alike.

${table(
  ['confidence', 'mean confidence', 'accuracy', 'images'],
  reliability
    .filter(({ images }) => images > 0)
    .map(({ low, high, images, confidence, accuracy }) => [
      `${low.toFixed(2)} to ${high.toFixed(2)}`,
      percent(confidence ?? 0),
      percent(accuracy ?? 0),
      images,
    ]),
)}`;
