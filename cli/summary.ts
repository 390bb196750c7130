import { artifactRefSchema } from '../contracts/artifacts.ts';
import { type Evaluation, evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import type { Plan } from '../contracts/plan.ts';
import { loadStepResult, readArtifactJson, reportFolder, type Store } from '../store/index.ts';
import { percent, table } from './output.ts';

/** The evaluation of the last evaluate step of a run; null when it has none. */
export async function loadEvaluation(store: Store, run: string, plan: Plan): Promise<Evaluation | null> {
  const step = plan.steps.findLast(({ uses }) => uses === 'evaluate');
  const stored = step ? await loadStepResult(store, { run, step: step.id }) : null;
  if (!stored) return null;
  const ref = artifactRefSchema.parse(stored.result.evaluation);
  return readArtifactJson(store, ref, evaluationFile, evaluationSchema);
}

/** Where a person looks after a run: the page of a report step, else the folder. */
export async function reportOf(store: Store, run: string): Promise<string> {
  const page = `${reportFolder(run)}/report.html`;
  return store.locate((await store.exists(page)) ? page : reportFolder(run));
}

/** Accuracy and confusion matrix, for the terminal. */
export function summarise({
  classes,
  confusion,
  top1,
  top5,
  macroF1,
  knn,
  testImages,
  mostConfused,
}: Evaluation): string {
  const neighbours = knn.map(({ k, accuracy }) => `${k}-nearest neighbours ${percent(accuracy)}`).join(', ');
  const short = classes.map((name) => name.slice(0, 8));
  return [
    `Test accuracy ${percent(top1)} on ${testImages} images (top-5 ${percent(top5)}, macro F1 ${macroF1.toFixed(4)}, ${neighbours})`,
    '',
    'Confusion matrix (rows: true class, columns: prediction)',
    table(
      ['', ...short],
      confusion.map((row, label) => [classes[label] ?? label, ...row]),
    ),
    '',
    ...mostConfused.slice(0, 3).map(({ a, b, count }) => `Most confused: ${a} and ${b}, ${count} images`),
  ].join('\n');
}
