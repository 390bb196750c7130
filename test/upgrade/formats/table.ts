import { z } from 'zod';
import { recordDecisionInput } from '../../../activities/approve.ts';
import { embedShardInput, gatherInput } from '../../../activities/embed-images.ts';
import { lookUpStepInput } from '../../../activities/look-up-step.ts';
import { checkParametersInput } from '../../../activities/lookups.ts';
import { openTrainingInput, recordChangesInput } from '../../../activities/open-training.ts';
import { prepareScheduledRunInput, recordCompletedInput } from '../../../activities/schedules.ts';
import { stepInputSchema } from '../../../activities/step-input.ts';
import { finishTrainingInput, trainEpochInput } from '../../../activities/training.ts';
import { devRecordSchema } from '../../../cli/dev-record.ts';
import { modelSchema } from '../../../cli/exported-model.ts';
import { approvalDecisionSchema } from '../../../contracts/approval.ts';
import {
  type ArtifactKind,
  artifactManifestSchema,
  datasetAboutSchema,
  treeAboutSchema,
} from '../../../contracts/artifacts.ts';
import { checkpointManifestSchema, givenUpCheckpointSchema } from '../../../contracts/checkpoints.ts';
import { comparisonFile, comparisonSchema } from '../../../contracts/comparison.ts';
import { driftAboutSchema, driftFile, driftSchema } from '../../../contracts/drift.ts';
import {
  embeddingPlanSchema,
  imageToEmbedSchema,
  knownRowSchema,
  rejectedImageSchema,
  shardOutcomeSchema,
} from '../../../contracts/embedding.ts';
import { embeddingsAboutSchema } from '../../../contracts/embeddings.ts';
import { encoderAboutSchema } from '../../../contracts/encoder.ts';
import {
  classifierAboutSchema,
  evaluationAboutSchema,
  evaluationFile,
  evaluationSchema,
} from '../../../contracts/evaluation.ts';
import { forgottenSchema } from '../../../contracts/forgotten.ts';
import { inspectionAboutSchema, inspectionFile, inspectionSchema } from '../../../contracts/inspection.ts';
import { curveAboutSchema, learningCurveFile, learningCurveSchema } from '../../../contracts/learning-curve.ts';
import { logLineSchema } from '../../../contracts/logs.ts';
import { modelVersionSchema, refusalSchema } from '../../../contracts/models.ts';
import { outliersFile, outliersSchema } from '../../../contracts/outliers.ts';
import { planSchema } from '../../../contracts/plan.ts';
import { rejectedPicturesSchema } from '../../../contracts/rejected-pictures.ts';
import { reportSchema } from '../../../contracts/report.ts';
import { retrievalAboutSchema, retrievalFile, retrievalSchema } from '../../../contracts/retrieval.ts';
import { robustnessFile, robustnessSchema } from '../../../contracts/robustness.ts';
import { forkRecordSchema, runRecordSchema } from '../../../contracts/run.ts';
import { firingSchema, lastCompletedSchema, scheduleDefinitionSchema } from '../../../contracts/schedules.ts';
import { stepKinds } from '../../../contracts/step-kinds.ts';
import { trainEpochResult } from '../../../contracts/trainer.ts';
import { trainingChangesSchema } from '../../../contracts/training-changes.ts';
import { indexAboutSchema } from '../../../contracts/vector-index.ts';
import { vectorRowSchema, vectorsAboutSchema } from '../../../contracts/vectors.ts';
import { preparedSetSchema } from '../../../datasets/earlier/sets.ts';
import { rowFactsSchema } from '../../../datasets/row-facts.ts';
import { arrivalSchema } from '../../../store/arrivals.ts';
import { cacheEntrySchema } from '../../../store/cache.ts';
import { collectionSchema } from '../../../store/collecting.ts';
import { emptiedSchema } from '../../../store/emptied.ts';
import { identitySchema } from '../../../store/identity.ts';
import { leaseSchema } from '../../../store/leases.ts';
import { ownStateSchema } from '../../../store/own-state.ts';
import { epochLineSchema, stepResultSchema } from '../../../store/run-files.ts';
import { embeddedSetSchema } from '../../../vectors/embedding/sets.ts';
import { ownerSchema } from '../../../worker/belonging.ts';
import { messages } from './messages.ts';

/** A form in which something is kept by one version and read by a later one. */
export interface Format {
  readonly name: string;
  readonly schema: z.ZodType;
  /** Raised when a reader can no longer take what an earlier one wrote; null where data says no version, so that never may be. */
  readonly version: string | number | null;
  /** Where it lies in a store, and whether each line is one. */
  readonly file?: { readonly path: RegExp; readonly lines?: true };
}

const run = 'runs/[^/]+';
const step = `${run}/steps/[^/]+`;
const embedding = `${step}/embedding/[0-9a-f]{32}`;
const artifact = 'artifacts/[a-z]+/[0-9a-f]{64}';
const digest = '[0-9a-f]{64}';

type Kept = readonly [name: string, schema: z.ZodType, path: string, lines?: 'lines'];

/** Files of a store that hold JSON. */
const keptFiles: readonly Kept[] = [
  ['store', identitySchema, 'store\\.json'],
  ['artifact', artifactManifestSchema, `${artifact}/manifest\\.json`],
  ['artifact emptied', emptiedSchema, `${artifact}/forgotten\\.json`],
  ['comparison', comparisonSchema, `artifacts/comparison/${digest}/${comparisonFile}`],
  ['drift', driftSchema, `artifacts/drift/${digest}/${driftFile}`],
  ['evaluation', evaluationSchema, `artifacts/evaluation/${digest}/${evaluationFile}`],
  ['inspection', inspectionSchema, `artifacts/inspection/${digest}/${inspectionFile}`],
  ['learning curve', learningCurveSchema, `artifacts/curve/${digest}/${learningCurveFile}`],
  ['outliers', outliersSchema, `artifacts/outliers/${digest}/${outliersFile}`],
  ['retrieval', retrievalSchema, `artifacts/retrieval/${digest}/${retrievalFile}`],
  ['robustness', robustnessSchema, `artifacts/robustness/${digest}/${robustnessFile}`],
  ['dataset rows', rowFactsSchema, `artifacts/dataset/${digest}/[A-Za-z]+-rows\\.jsonl`, 'lines'],
  ['vector rows', vectorRowSchema, `artifacts/(vectors|index)/${digest}/rows-[0-9]+\\.jsonl`, 'lines'],
  ['vectors rejected', rejectedImageSchema, `artifacts/vectors/${digest}/rejected\\.jsonl`, 'lines'],
  ['forgotten', forgottenSchema, `forgotten/${digest}\\.json`],
  ['prepared set', preparedSetSchema, `preparations/${digest}/sets/${digest}\\.json`],
  ['embedded set', embeddedSetSchema, `embedded/${digest}/sets/${digest}\\.json`],
  ['plan', planSchema, `${run}/plan\\.json`],
  ['run', runRecordSchema, `${run}/run\\.json`],
  ['fork', forkRecordSchema, `${run}/forks/[^/]+\\.json`],
  ['log line', logLineSchema, `${run}/logs/[^/]+/[0-9]{6}\\.jsonl`, 'lines'],
  ['arrival', arrivalSchema, `${run}/sweeps/[^/]+/[0-9]{6}\\.json`],
  ['report', reportSchema, `${run}/report/report\\.json`],
  ['rejected pictures', rejectedPicturesSchema, `${run}/report/[^/]+-rejected\\.json`],
  ['step result', stepResultSchema, `${step}/result\\.json`],
  ['epoch line', epochLineSchema, `${step}/metrics\\.jsonl`, 'lines'],
  ['training changes', trainingChangesSchema, `${step}/changes\\.json`],
  ['own state', ownStateSchema, `${step}/state\\.json`],
  ['decisions', z.array(approvalDecisionSchema), `${step}/decisions\\.json`],
  ['lease', leaseSchema, `${step}/leases/[0-9]{8}\\.json`],
  [
    'checkpoint',
    z.union([checkpointManifestSchema, givenUpCheckpointSchema]),
    `${step}/checkpoints/[^/]+/manifest\\.json`,
  ],
  ['embedding plan', embeddingPlanSchema, `${embedding}/plan\\.json`],
  ['embedding rows', knownRowSchema, `${embedding}/rows-[0-9]{5}\\.jsonl`, 'lines'],
  ['embedding shard', imageToEmbedSchema, `${embedding}/shard-[0-9]{5}\\.jsonl`, 'lines'],
  ['embedding outcome', shardOutcomeSchema, `${embedding}/outcome-[0-9]{5}\\.json`],
  ['embedding rejected', rejectedImageSchema, `${embedding}/rejected\\.jsonl`, 'lines'],
  ['cache entry', cacheEntrySchema, `cache/${digest}\\.json`],
  ['model version', modelVersionSchema, 'models/[^/]+/(versions/[0-9]+|current)\\.json'],
  ['model refusal', refusalSchema, 'models/[^/]+/refused/[^/]+/[^/]+\\.json'],
  ['schedule definition', scheduleDefinitionSchema, `schedules/[^/]+/definitions/${digest}\\.json`],
  ['schedule last completed', lastCompletedSchema, 'schedules/[^/]+/last-completed\\.json'],
  ['collection', collectionSchema, 'collecting/[^/]+\\.json'],
];

/** `about` in the manifest of an artifact, by its kind; of the kinds that have none, anything. */
export const abouts: Readonly<Record<ArtifactKind, z.ZodType>> = {
  dataset: datasetAboutSchema,
  encoder: encoderAboutSchema,
  classifier: classifierAboutSchema,
  embeddings: embeddingsAboutSchema,
  vectors: vectorsAboutSchema,
  index: indexAboutSchema,
  evaluation: evaluationAboutSchema,
  robustness: z.unknown(),
  outliers: z.unknown(),
  retrieval: retrievalAboutSchema,
  drift: driftAboutSchema,
  inspection: inspectionAboutSchema,
  curve: curveAboutSchema,
  comparison: z.unknown(),
  files: treeAboutSchema,
  code: treeAboutSchema,
};

/** Files beside a store: of a home, and of an export. */
const keptElsewhere: readonly (readonly [string, z.ZodType])[] = [
  ['export model.json', modelSchema],
  ['home dev.json', devRecordSchema],
];

/** What Temporal holds for a later worker: inputs of activities, and what they answered that workflows read again. */
const activities: readonly (readonly [string, z.ZodType])[] = [
  ['step', stepInputSchema],
  ['checkParameters', checkParametersInput],
  ['embedShard', embedShardInput],
  ['finishTraining', finishTrainingInput],
  ['gatherEmbedding', gatherInput],
  ['lookUpStep', lookUpStepInput],
  ['openTraining', openTrainingInput],
  ['prepareScheduledRun', prepareScheduledRunInput],
  ['recordChanges', recordChangesInput],
  ['recordCompleted', recordCompletedInput],
  ['recordDecision', recordDecisionInput],
  ['trainEpoch', trainEpochInput],
  ['trainEpoch result', trainEpochResult],
];

/** The version that data of a schema says itself, in its `format`. */
function saidVersion(schema: z.ZodType): string | null {
  const [option] = schema instanceof z.ZodUnion ? schema.options : [schema];
  const format = option instanceof z.ZodObject ? option.shape.format : undefined;
  return format instanceof z.ZodLiteral ? String([...format.values].at(-1)) : null;
}

const unversioned = (prefix: string, all: readonly (readonly [string, z.ZodType])[]): Format[] =>
  all.map(([name, schema]) => ({ name: `${prefix}${name}`, schema, version: null }));

/** Every format, by name. */
export const formats: readonly Format[] = [
  ...keptFiles.map(([name, schema, path, lines]) => ({
    ...{ name, schema, version: saidVersion(schema) },
    file: { path: new RegExp(`^${path}$`), ...(lines ? { lines: true as const } : {}) },
  })),
  ...unversioned('', keptElsewhere),
  ...unversioned('about ', Object.entries(abouts)),
  ...Object.entries(stepKinds).flatMap(([name, { version, parameters, result }]) => [
    { name: `kind ${name} parameters`, schema: parameters, version },
    { name: `kind ${name} result`, schema: result, version },
  ]),
  ...unversioned('activity ', activities),
  ...unversioned('workflow ', [...messages, ['scheduledRun', firingSchema], ['contrail-store memo', ownerSchema]]),
].sort((a, b) => (a.name < b.name ? -1 : 1));
