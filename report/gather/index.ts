import type { z } from 'zod';
import { type ArtifactRef, artifactRefSchema } from '../../contracts/artifacts.ts';
import { comparisonFile, comparisonSchema } from '../../contracts/comparison.ts';
import { driftFile, driftSchema } from '../../contracts/drift.ts';
import { isContrailError } from '../../contracts/errors.ts';
import { evaluationAboutSchema, evaluationFile, evaluationSchema } from '../../contracts/evaluation.ts';
import { inspectionAboutSchema, inspectionFile, inspectionSchema } from '../../contracts/inspection.ts';
import { curveAboutSchema, learningCurveFile, learningCurveSchema } from '../../contracts/learning-curve.ts';
import { isMeasured, measuredArtifacts } from '../../contracts/measured.ts';
import type { Plan } from '../../contracts/plan.ts';
import { type Report, reportSchema, type SweepReport } from '../../contracts/report.ts';
import { retrievalAboutSchema, retrievalFile, retrievalSchema } from '../../contracts/retrieval.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { toleratedSteps } from '../../pipelines/language/interpret/tolerance.ts';
import {
  listLeases,
  loadDecisions,
  loadRunRecord,
  loadStepResults,
  readAbout,
  readArtifactJson,
  readRunLog,
  requirePlan,
  type Store,
  unlessDamaged,
} from '../../store/index.ts';
import { dataOf } from './data.ts';
import { picturesOf } from './drift.ts';
import { gatherEncoders } from './encoders.ts';
import { mapOf } from './map.ts';
import { originsIn } from './origin.ts';
import { promotionOf } from './promotions.ts';
import { gatherSweeps, shownAlone } from './sweeps.ts';
import { gatherTrainings } from './trainings.ts';

export interface GatherOptions {
  readonly title?: string | undefined;
  /** Of the map of the embedding. */
  readonly seed?: number;
  /** False leaves out what only the page of a run shows: maps, which take most of the time, and images of classes. */
  readonly maps?: boolean;
  /** The step of the run that writes the report. */
  readonly writtenBy?: string | undefined;
  readonly onProgress?: (line: string) => void;
}

/** What a search took is what its trials took. */
const secondsOf = (own: number | undefined, sweep: SweepReport | undefined): number | null =>
  sweep ? (own ?? 0) + sweep.seconds : (own ?? null);

/** A map takes seconds of computing. */
const mostMaps = 8;

/**
 * Everything that the store knows about a run, finished or not. What cannot be read is named in `problems`, and the rest
 * is still a report.
 *
 * @throws ContrailError RunNotFound when the store does not know the run
 */
export async function gather(
  store: Store,
  run: string,
  { title, seed = 0, maps = true, writtenBy, onProgress = () => {} }: GatherOptions = {},
): Promise<Report> {
  const written = await requirePlan(store, run);
  const problems: string[] = [];
  const onDamage = (problem: string) => void problems.push(problem);
  const record = await unlessDamaged(loadRunRecord(store, run), onDamage);
  const results = await loadStepResults(store, run, onDamage);
  const { plan } = expandPlan(
    written,
    Object.fromEntries(Object.entries(results).map(([id, { result }]) => [id, result])),
  );
  const isShown = shownAlone(plan, Object.fromEntries(Object.entries(results).map(([id, { result }]) => [id, result])));
  const shown: Plan = { ...plan, steps: plan.steps.filter(isShown) };
  const sweeps = gatherSweeps(plan, results);
  const originOf = originsIn(plan);
  const isDone = (id: string) => results[id] !== undefined || id === writtenBy;
  const tolerated = new Set(toleratedSteps(plan, (id) => (isDone(id) ? 'done' : 'failed')));
  const log = (await readRunLog(store, run, undefined, onDamage)).lines;
  const resumes = (record?.resumes ?? []).map(({ at, accepted }) => ({ at, accepted }));
  const finished = Object.values(results).flatMap(({ finishedAt }) => finishedAt ?? []);
  const resumedAt = resumes.map(({ at }) => at);
  const trainings = await gatherTrainings(store, { run, plan: shown, results, log, resumedAt }, originOf, onDamage);
  const owners = await Promise.all(trainings.map(({ step }) => listLeases(store, { run, step })));
  const report: Report = {
    format: 'contrail-report/1',
    title: title ?? plan.name,
    run,
    builtAt: new Date().toISOString(),
    pipeline: { name: plan.name, description: plan.description ?? null, file: record?.source?.file ?? null },
    params: plan.params,
    environment: record?.environment ?? {},
    startedAt: record?.createdAt ?? null,
    endedAt: finished.sort().at(-1) ?? null,
    forkedFrom: record?.forkedFrom ?? null,
    resumes,
    schedule: record?.schedule?.id ?? null,
    machines: [...new Set(owners.flat().map(({ owner }) => owner.replace(/ pid \d+$/, '')))].sort(),
    steps: plan.steps
      .filter(({ sweep }) => sweep === undefined)
      .map(({ id, uses }) => {
        const result = results[id];
        const error = log.findLast(({ step, level }) => step === id && level === 'error');
        return {
          step: id,
          uses,
          // What writes the report is done once it is written.
          done: isDone(id),
          seconds: secondsOf(
            result?.seconds,
            sweeps.find(({ step }) => step === id),
          ),
          finishedAt: result?.finishedAt ?? null,
          problem: isDone(id) ? null : (error?.message ?? null),
          ...(error && tolerated.has(id) ? { tolerated: true } : {}),
        };
      }),
    data: [],
    inspections: [],
    drifts: [],
    approvals: [],
    sweeps,
    promotions: plan.steps.flatMap((step) => promotionOf(step, results[step.id]?.result)),
    trainings,
    encoders: gatherEncoders(shown, results, originOf),
    evaluations: [],
    robustness: [],
    outliers: [],
    retrieval: [],
    curves: [],
    comparisons: [],
    problems,
  };
  for (const { id, uses } of plan.steps)
    if (uses === 'approve') {
      const decisions = await unlessDamaged(loadDecisions(store, { run, step: id }), onDamage);
      report.approvals.push(...(decisions ?? []).map((decision) => ({ ...decision, step: id })));
    }
  const mapped = new Set<string>();
  // What a model brings along was made and measured by another run.
  for (const { id } of shown.steps.filter(({ uses }) => uses !== 'use-model' && uses !== 'sweep'))
    for (const value of Object.values(results[id]?.result ?? {})) {
      const ref = artifactRefSchema.safeParse(value);
      if (!ref.success) continue;
      try {
        await add(id, ref.data);
      } catch (error) {
        problems.push(
          `${id}: ${isContrailError(error) ? error.message : `its ${ref.data.kind} is of another version`}`,
        );
      }
    }
  return reportSchema.parse(report);

  async function add(step: string, ref: ArtifactRef): Promise<void> {
    const origin = originOf(step, { apart: ref.kind === 'evaluation' || ref.kind === 'robustness' });
    const read = <T>(name: string, schema: z.ZodType<T>) => readArtifactJson(store, ref, name, schema);
    if (ref.kind === 'evaluation') {
      const evaluation = await read(evaluationFile, evaluationSchema);
      const { dataset } = await readAbout(store, ref, evaluationAboutSchema);
      // The runs of one arm look alike, so one map stands for all.
      const wanted = maps && !mapped.has(origin.arm) && mapped.size < mostMaps;
      if (wanted) mapped.add(origin.arm);
      const map = wanted
        ? await mapOf(store, ref, seed, (share) => onProgress(`map of ${step}: ${Math.round(100 * share)} %`))
        : null;
      report.evaluations.push({ ...origin, dataset: dataset.digest, artifact: ref.digest, evaluation, map });
    } else if (ref.kind === 'dataset') {
      report.data.push(
        await dataOf(store, step, ref, {
          result: results[step]?.result ?? {},
          pictures: maps,
          onDamage,
        }),
      );
    } else if (ref.kind === 'inspection') {
      const inspection = await read(inspectionFile, inspectionSchema);
      const { dataset } = await readAbout(store, ref, inspectionAboutSchema);
      report.inspections.push({ step, dataset: dataset.digest, inspection });
    } else if (ref.kind === 'drift') {
      const drift = await read(driftFile, driftSchema);
      report.drifts.push({ step, drift, pictures: maps ? await picturesOf(store, ref, drift) : {} });
    } else if (ref.kind === 'retrieval') {
      const { dataset } = await readAbout(store, ref, retrievalAboutSchema);
      const retrieval = await read(retrievalFile, retrievalSchema);
      report.retrieval.push({ ...origin, dataset: dataset.digest, artifact: ref.digest, retrieval });
    } else if (isMeasured(ref.kind)) {
      const { file, schema } = measuredArtifacts[ref.kind];
      (report[ref.kind] as object[]).push({ ...origin, [ref.kind]: await read<unknown>(file, schema) });
    } else if (ref.kind === 'curve') {
      const { training } = await readAbout(store, ref, curveAboutSchema);
      const curve = await read(learningCurveFile, learningCurveSchema);
      report.curves.push({ ...originOf(training.step), step, curve });
    } else if (ref.kind === 'comparison')
      report.comparisons.push({ step, comparison: await read(comparisonFile, comparisonSchema) });
  }
}
