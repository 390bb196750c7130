import { confusedPairs, shownConfusion } from '../../contracts/confusion.ts';
import { times } from '../../contracts/counted.ts';
import type { Evaluation } from '../../contracts/evaluation.ts';
import { markdownLine, markdownText } from '../../contracts/markdown-text.ts';
import { evaluationNotes } from '../evaluation-notes.ts';
import { ifMeasured } from '../format.ts';
import { otherAccuracy } from '../leaks-note.ts';
import { worstClasses } from '../worst-classes.ts';
import { percent, table } from './table.ts';

const shownMistakes = 10;
/** Above so many classes, the matrix is that of the most confused, and the table that of the worst. */
const wholeMatrix = 50;
const partOfMatrix = 20;
const shownPairs = 20;
const shownLeaks = 50;

/** An evaluation as Markdown, for people. What evaluations of earlier versions lack is left out. */
export function formatEvaluation(evaluation: Evaluation): string {
  const notes = evaluationNotes(evaluation);
  const sections = [
    `# Evaluation on ${markdownText(evaluation.dataset)}, ${evaluation.testImages} test images`,
    notes.length === 0 ? null : notes.map((note) => `- ${markdownLine(note)}`).join('\n'),
    classifierTable(evaluation),
    embeddingSection(evaluation),
    perClassSection(evaluation),
    confusionSection(evaluation),
    confusedSection(evaluation),
    mistakesSection(evaluation),
    leaksSection(evaluation),
    calibrationSection(evaluation),
  ];
  return `${sections.filter((section) => section !== null).join('\n\n')}\n`;
}

const figure = (value: number | null | undefined, digits = 4) => ifMeasured(value, (each) => each.toFixed(digits));
const share = (value: number | null | undefined) => ifMeasured(value, percent);

const classifierTable = ({ top1, top5, macroF1, expectedCalibrationError, knn, ...evaluation }: Evaluation) =>
  table(
    ['classifier', 'value'],
    [
      ['top-1 accuracy', share(top1)],
      ...leakRows(evaluation),
      ['top-5 accuracy', share(top5)],
      ['macro F1', figure(macroF1)],
      ['expected calibration error', figure(expectedCalibrationError)],
      ...knn.map(({ k, accuracy }) => [`${k}-nearest-neighbour accuracy, without the classifier`, share(accuracy)]),
    ],
  );

function leakRows(evaluation: Pick<Evaluation, 'leaks' | 'all' | 'clean'>): [string, string][] {
  const other = otherAccuracy(evaluation);
  return other === null
    ? []
    : [[`top-1 accuracy ${other.leaks} the images that leak, ${times(other.images, 'image')}`, share(other.top1)]];
}

const embeddingSection = ({ geometry }: Evaluation) => `## The embedding

On ${times(geometry.images, 'test image')}, each compared with all others.${
  geometry.queries === undefined
    ? ''
    : ` Retrieval and silhouette are means over the ${geometry.queries} that are not alone in their class.`
}

${table(
  ['measure', 'value'],
  [
    ...(geometry.recallAt ?? [{ k: 1, value: geometry.recallAt1 }]).map(({ k, value }) => [
      `recall at ${k}`,
      share(value),
    ]),
    ...(geometry.rPrecision === undefined ? [] : [['R-precision', figure(geometry.rPrecision)]]),
    ['MAP at R', figure(geometry.mapAtR)],
    ['silhouette (cosine)', figure(geometry.silhouette)],
    ['distance within / between classes', `${figure(geometry.intra, 3)} / ${figure(geometry.inter, 3)}`],
    ['alignment', figure(geometry.alignment)],
    ['uniformity', figure(geometry.uniformity)],
  ],
)}`;

function perClassSection({ classes, perClass }: Evaluation): string {
  const shown = worstClasses(
    perClass.map(({ f1 }) => f1),
    wholeMatrix,
  );
  const cell = (value: number | null) => (value === null ? '–' : value.toFixed(3));
  const rows = shown.flatMap((label) => {
    const own = perClass[label];
    return own
      ? [[classes[label] ?? label, cell(own.precision), cell(own.recall), cell(own.f1), own.support] as const]
      : [];
  });
  const left = classes.length - shown.length;
  return `## By class
${left === 0 ? '' : `\nThe ${shown.length} classes with the lowest F1; the other ${left === 1 ? 'is' : `${left} are`} in the JSON file beside this one.\n`}
${table(['class', 'precision', 'recall', 'F1', 'images'], rows)}`;
}

function confusionSection({ classes, confusion }: Evaluation): string {
  const { shown, counts } = shownConfusion(confusion, wholeMatrix, partOfMatrix);
  const left = classes.length - shown.length;
  return `## Confusion matrix

Rows are true classes, columns predictions.${
    left === 0
      ? ''
      : ` Only the ${shown.length} classes that are confused most; ${times(left, 'other')} ${left === 1 ? 'is' : 'are'} left out.`
  }

${table(
  ['', ...shown.map((label) => classes[label] ?? String(label))],
  counts.map((row, at) => [classes[shown[at] ?? 0] ?? at, ...row]),
)}`;
}

function confusedSection({ classes, confusion }: Evaluation): string | null {
  const pairs = confusedPairs(confusion);
  if (pairs.length === 0) return null;
  const nameOf = (label: number) => markdownText(classes[label] ?? String(label));
  const left = pairs.length - shownPairs;
  return `## Most confused

${pairs
  .slice(0, shownPairs)
  .map(({ a, b, count }) => `- ${markdownLine(classes[a] ?? String(a))} and ${nameOf(b)}: ${times(count, 'image')}`)
  .join('\n')}${left > 0 ? `\n\n${times(left, 'more pair')} ${left === 1 ? 'was' : 'were'} confused.` : ''}`;
}

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

const leaksSection = ({ leaks, classes }: Evaluation) =>
  !leaks || leaks.pairs.length === 0
    ? null
    : `## Images that leak

Test images that show what a training image shows; the first of each kind.

${table(
  ['test image', 'class', 'training image', 'class', 'kind', 'likeness'],
  leaks.pairs
    .slice(0, shownLeaks)
    .map(({ kind, likeness, a, b }) => [
      a.name,
      classes[a.label] ?? a.label,
      b.name,
      classes[b.label] ?? b.label,
      kind,
      likeness.toFixed(4),
    ]),
)}`;

const calibratedTable = ({
  images,
  temperature,
  negativeLogLikelihood,
  expectedCalibrationError,
  unknown,
}: NonNullable<Evaluation['calibration']>) => `

By ${times(images, 'validation image')}, logits are divided by ${figure(temperature)}; predictions have the confidence that follows. An image below the threshold is called
unknown, which may be ${share(unknown.refusals)} of the images of trained classes.

${table(
  ['by validation images', 'before', 'after'],
  [
    ['expected calibration error', figure(expectedCalibrationError.before), figure(expectedCalibrationError.after)],
    [
      'negative log-likelihood of the validation images',
      figure(negativeLogLikelihood.before),
      figure(negativeLogLikelihood.after),
    ],
  ],
)}

${table(
  ['unknown', 'below', 'test images refused'],
  [
    [
      'similarity to the nearest training image',
      figure(unknown.similarity.threshold),
      share(unknown.similarity.refused),
    ],
    ['highest logit', figure(unknown.logit.threshold), share(unknown.logit.refused)],
  ],
)}`;

const calibrationSection = ({ reliability, calibration }: Evaluation) =>
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
      share(confidence),
      share(accuracy),
      images,
    ]),
)}${calibration ? calibratedTable(calibration) : ''}`;
