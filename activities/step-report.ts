import { artifactRefSchema } from '../contracts/artifacts.ts';
import { comparisonFile, comparisonSchema } from '../contracts/comparison.ts';
import { evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { outliersFile, outliersSchema } from '../contracts/outliers.ts';
import { robustnessFile, robustnessSchema } from '../contracts/robustness.ts';
import type { StepKindName } from '../contracts/step-kinds.ts';
import { formatComparison } from '../report/markdown/comparison.ts';
import { formatEvaluation } from '../report/markdown/evaluation.ts';
import { formatOutliers } from '../report/markdown/outliers.ts';
import { formatRobustness } from '../report/markdown/robustness.ts';
import { parseJson, readArtifactFile, type Store, writeReportFile } from '../store/index.ts';
import { showEvaluation } from './tensorboard.ts';

interface Report {
  /** The field of the result that names the artifact. */
  readonly field: string;
  /** The file of the artifact that holds what was measured. */
  readonly file: string;
  readonly markdown: (measured: unknown) => string;
}

/** What kinds of steps measure, and how it is put for people. */
const reports: Partial<Record<StepKindName, Report>> = {
  evaluate: {
    field: 'evaluation',
    file: evaluationFile,
    markdown: (measured) => formatEvaluation(evaluationSchema.parse(measured)),
  },
  robustness: {
    field: 'robustness',
    file: robustnessFile,
    markdown: (measured) => formatRobustness(robustnessSchema.parse(measured)),
  },
  'out-of-distribution': {
    field: 'outliers',
    file: outliersFile,
    markdown: (measured) => formatOutliers(outliersSchema.parse(measured)),
  },
  compare: {
    field: 'comparison',
    file: comparisonFile,
    markdown: (measured) => formatComparison(comparisonSchema.parse(measured)),
  },
};

/** Puts what a step measured into the run's report folder, as JSON and as Markdown; other kinds of steps measure nothing. */
export async function writeStepReport(
  store: Store,
  { run, step }: StepKey,
  uses: StepKindName,
  result: Readonly<Record<string, unknown>>,
): Promise<void> {
  const report = reports[uses];
  if (!report) return;
  const ref = artifactRefSchema.parse(result[report.field]);
  const content = await readArtifactFile(store, ref, report.file);
  await writeReportFile(store, run, `${step}.json`, content);
  await writeReportFile(store, run, `${step}.md`, new TextEncoder().encode(report.markdown(parseJson(content))));
  if (uses === 'evaluate') await showEvaluation(store, { run, step }, ref);
}
