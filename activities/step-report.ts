import { type ArtifactKind, artifactRefSchema } from '../contracts/artifacts.ts';
import { comparisonFile, comparisonSchema } from '../contracts/comparison.ts';
import { driftFile, driftSchema } from '../contracts/drift.ts';
import { evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { inspectionFile, inspectionSchema, relabelsFile } from '../contracts/inspection.ts';
import type { StepKind } from '../contracts/kinds/kind.ts';
import { isMeasured, type MeasuredKind, measuredArtifacts } from '../contracts/measured.ts';
import { type StepKindName, stepKinds } from '../contracts/step-kinds.ts';
import { formatComparison } from '../report/markdown/comparison.ts';
import { formatDrift } from '../report/markdown/drift.ts';
import { formatEvaluation } from '../report/markdown/evaluation.ts';
import { formatInspection } from '../report/markdown/inspection.ts';
import { shownMeasures } from '../report/measured.ts';
import { parseJson, readArtifactFile, type Store, writeReportFile } from '../store/index.ts';
import { showEvaluation } from './tensorboard.ts';

interface Written {
  /** The file of the artifact that holds what was measured. */
  readonly file: string;
  readonly markdown: (measured: unknown) => string;
}

/** How an artifact that holds a measure is put for people. */
function writtenAs(kind: ArtifactKind): Written {
  if (isMeasured(kind)) return measuredAs(kind);
  if (kind === 'evaluation')
    return { file: evaluationFile, markdown: (measured) => formatEvaluation(evaluationSchema.parse(measured)) };
  if (kind === 'comparison')
    return { file: comparisonFile, markdown: (measured) => formatComparison(comparisonSchema.parse(measured)) };
  if (kind === 'inspection')
    return { file: inspectionFile, markdown: (found) => formatInspection(inspectionSchema.parse(found)) };
  if (kind === 'drift') return { file: driftFile, markdown: (found) => formatDrift(driftSchema.parse(found)) };
  throw new Error(`${kind} artifacts hold no measure`);
}

function measuredAs<K extends MeasuredKind>(kind: K): Written {
  const { file, schema } = measuredArtifacts[kind];
  const { markdown } = shownMeasures[kind];
  return { file, markdown: (measured) => markdown(schema.parse(measured) as Parameters<typeof markdown>[0]) };
}

/** Puts what a step measured into the run's report folder, as JSON and as Markdown; other kinds of steps measure nothing. */
export async function writeStepReport(
  store: Store,
  { run, step }: StepKey,
  uses: StepKindName,
  result: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { measures }: StepKind = stepKinds[uses];
  if (measures === undefined) return;
  const ref = artifactRefSchema.parse(result[measures]);
  const { file, markdown } = writtenAs(ref.kind);
  const content = await readArtifactFile(store, ref, file);
  await writeReportFile(store, run, `${step}.json`, content);
  await writeReportFile(store, run, `${step}.md`, new TextEncoder().encode(markdown(parseJson(content))));
  if (ref.kind === 'inspection')
    await writeReportFile(store, run, `${step}-${relabelsFile}`, await readArtifactFile(store, ref, relabelsFile));
  if (ref.kind === 'evaluation') await showEvaluation(store, { run, step }, ref);
}
