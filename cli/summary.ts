import { artifactRefSchema } from '../contracts/artifacts.ts';
import { confusedPairs, shownConfusion } from '../contracts/confusion.ts';
import { times } from '../contracts/counted.ts';
import { type Evaluation, evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import type { Plan } from '../contracts/plan.ts';
import { visible } from '../contracts/visible-text.ts';
import { evaluationNotes } from '../report/evaluation-notes.ts';
import { loadStepResult, readArtifactJson, reportFolder, type Store } from '../store/index.ts';
import { distinct, percent, shorten } from './output.ts';
import { table } from './table.ts';

/** An evaluation, and the step that made it. */
export interface StepEvaluation {
  readonly step: string;
  readonly evaluation: Evaluation;
}

/** What the evaluate steps of a run measured, in the order of the plan. */
export async function loadEvaluations(store: Store, run: string, plan: Plan): Promise<readonly StepEvaluation[]> {
  const found: StepEvaluation[] = [];
  for (const { id: step, uses } of plan.steps) {
    const stored = uses === 'evaluate' ? await loadStepResult(store, { run, step }) : null;
    if (!stored) continue;
    const ref = artifactRefSchema.parse(stored.result.evaluation);
    found.push({ step, evaluation: await readArtifactJson(store, ref, evaluationFile, evaluationSchema) });
  }
  return found;
}

/** Where the page of a run is; null where none was written yet. */
export async function reportOf(store: Store, run: string): Promise<string | null> {
  const page = `${reportFolder(run)}/report.html`;
  return (await store.exists(page)) ? store.locate(page) : null;
}

/** The page of a run, or what writes it. */
export const reportText = (report: string | null, run: string): string =>
  report ?? `none yet; \`contrail report ${run}\` writes it`;

/** Above so many classes, the pairs that are confused most stand for the matrix. */
const wholeMatrix = 20;
const shownPairs = 10;
const [rowWidth, headWidth] = [24, 8];

/** What a run measured, for the terminal: of one evaluation all, of several a line each. */
export function summariseAll(found: readonly StepEvaluation[]): string {
  const [first, ...others] = found;
  if (!first || others.length === 0) return first ? summarise(first.evaluation) : '';
  return table(
    ['evaluation', 'test accuracy', 'macro F1', 'images'],
    found.map(({ step, evaluation: { top1, macroF1, testImages } }) => [
      shorten(step, 2 * rowWidth),
      top1 === null ? 'not measured' : percent(top1),
      macroF1 === null ? '' : macroF1.toFixed(4),
      testImages,
    ]),
  );
}

/** Accuracy and confusion matrix, for the terminal. */
export function summarise(evaluation: Evaluation): string {
  const { classes, top1, top5, macroF1, knn, testImages } = evaluation;
  const measures = [
    ...(top5 === null ? [] : [`top-5 ${percent(top5)}`]),
    ...(macroF1 === null ? [] : [`macro F1 ${macroF1.toFixed(4)}`]),
    ...knn.flatMap(({ k, accuracy }) => (accuracy === null ? [] : [`${k}-nearest neighbours ${percent(accuracy)}`])),
  ];
  return [
    top1 === null
      ? 'Test accuracy was not measured: no test image is left.'
      : `Test accuracy ${percent(top1)} on ${times(testImages, 'image')} (${measures.join(', ')})`,
    ...evaluationNotes(evaluation).map(visible),
    '',
    ...(classes.length > wholeMatrix ? [] : matrix(evaluation)),
    ...confused(evaluation, classes.length > wholeMatrix ? shownPairs : 3),
  ].join('\n');
}

function matrix({ classes, confusion }: Evaluation): string[] {
  const rows = distinct(classes, rowWidth);
  const { counts } = shownConfusion(confusion, wholeMatrix, wholeMatrix);
  return [
    'Confusion matrix (rows: true class, columns: prediction)',
    table(
      ['', ...distinct(classes, headWidth)],
      counts.map((row, label) => [rows[label] ?? label, ...row]),
    ),
    '',
  ];
}

function confused({ classes, confusion }: Evaluation, most: number): string[] {
  const pairs = confusedPairs(confusion);
  const nameOf = (label: number) => shorten(classes[label] ?? String(label), 2 * rowWidth);
  const left = pairs.length - most;
  return [
    ...pairs
      .slice(0, most)
      .map(({ a, b, count }) => `Most confused: ${nameOf(a)} and ${nameOf(b)}, ${times(count, 'image')}`),
    ...(left > 0
      ? [
          `${times(left, 'more pair')} of classes ${left === 1 ? 'was' : 'were'} confused; the report shows more of them.`,
        ]
      : []),
  ];
}
