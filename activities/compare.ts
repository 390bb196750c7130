import { z } from 'zod';
import { type ArtifactRef, artifactRefSchema } from '../contracts/artifacts.ts';
import { comparisonFile } from '../contracts/comparison.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type Evaluation, evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import { type CompareParameters, type CompareResult, compareParameters } from '../contracts/kinds/compare.ts';
import { learningCurveFile, learningCurveSchema } from '../contracts/learning-curve.ts';
import { outliersFile, outliersSchema } from '../contracts/outliers.ts';
import { retrievalFile, retrievalSchema } from '../contracts/retrieval.ts';
import { robustnessFile, robustnessSchema } from '../contracts/robustness.ts';
import { type Arm, compareArms } from '../evaluation/comparison/compare-arms.ts';
import { topOne } from '../evaluation/comparison/measures.ts';
import { onNewImages } from '../evaluation/comparison/new-images.ts';
import { jsonBytes, readAbout, readArtifactJson, type Store, writeArtifact } from '../store/index.ts';
import type { ActivityContext } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { writeStepReport } from './step-report.ts';
import { finishStep } from './step-result.ts';

/** Compares two arms, and puts the comparison into the run's report folder. */
export async function compare(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  const result = await compareStored(context.store, compareParameters.parse(parameters));
  await writeStepReport(context.store, step, 'compare', result);
  return finishStep(context, step, result);
}

/**
 * Compares what the store has of two arms.
 *
 * @throws ContrailError InvalidInput where the arms do not come in pairs on the same data
 */
export async function compareStored(store: Store, { a, b, target }: CompareParameters): Promise<CompareResult> {
  const [measuredA, measuredB] = [await readArm(store, a), await readArm(store, b)];
  for (const what of ['evaluations', 'robustness', 'outliers', 'retrievals', 'curves'] as const)
    requireSameData(what, measuredA[what], measuredB[what]);
  const [armA, armB, seen] = await withoutSeenImages(store, { a, b }, armOf(measuredA), armOf(measuredB));
  const compared = compareArms(armA, armB, target ?? null);
  const comparison = { ...compared, notes: [...seen, ...(compared.notes ?? [])] };
  const ref = await writeArtifact(store, {
    kind: 'comparison',
    about: { a, b },
    files: [{ path: comparisonFile, content: jsonBytes(comparison) }],
  });
  const top1 = comparison.measures.find(({ measure }) => measure === topOne);
  if (!top1)
    throw new ContrailError(
      'InvalidInput',
      'No pair of evaluations has a top-1 accuracy of both arms: their test images leak, so that none was left to measure.',
    );
  const [low, high] = top1.difference.interval ?? [null, null];
  return {
    comparison: { ...ref, kind: 'comparison' },
    top1Difference: top1.difference.mean,
    low,
    high,
    verdict: top1.verdict,
  };
}

/** The arms with their evaluations on the test images that neither model of a pair has seen, and what is to be said of it. */
async function withoutSeenImages(
  store: Store,
  refs: Pick<CompareParameters, 'a' | 'b'>,
  a: Arm,
  b: Arm,
): Promise<readonly [Arm, Arm, readonly string[]]> {
  // That there are as many of both is looked at later.
  if (a.evaluations.length !== b.evaluations.length) return [a, b, []];
  const notes = new Set<string>();
  const [ofA, ofB]: Evaluation[][] = [[], []];
  for (const [pair, evaluation] of a.evaluations.entries()) {
    const [refA, refB, other] = [refs.a.evaluations[pair], refs.b.evaluations[pair], b.evaluations[pair]];
    if (!refA || !refB || !other) throw new Error('evaluations come in pairs');
    const found = await onNewImages(
      store,
      { name: a.name, ref: refA, evaluation },
      { name: b.name, ref: refB, evaluation: other },
    );
    ofA?.push(found.evaluations[0]);
    ofB?.push(found.evaluations[1]);
    for (const note of found.notes) notes.add(note);
  }
  return [{ ...a, evaluations: ofA ?? [] }, { ...b, evaluations: ofB ?? [] }, [...notes]];
}

/** What was measured, and the data sets that it was measured on. */
interface Measured<T> {
  readonly value: T;
  readonly data: string;
}

const aboutSchema = z.object({ dataset: artifactRefSchema, outside: artifactRefSchema.optional() });

async function readArm(
  store: Store,
  { robustness = [], outliers = [], retrievals = [], curves = [], ...arm }: CompareParameters['a'],
) {
  const read = <T>(refs: readonly ArtifactRef[], file: string, schema: z.ZodType<T>): Promise<Measured<T>[]> =>
    Promise.all(
      refs.map(async (ref) => {
        const { dataset, outside } = await readAbout(store, ref, aboutSchema);
        const data = [dataset, outside].flatMap((each) => each?.digest ?? []).join(' and ');
        return { value: await readArtifactJson(store, ref, file, schema), data };
      }),
    );
  const byOutside = await read(outliers, outliersFile, outliersSchema);
  return {
    name: arm.name,
    evaluations: await read(arm.evaluations, evaluationFile, evaluationSchema),
    robustness: await read(robustness, robustnessFile, robustnessSchema),
    // The arms may name the outside data sets in any order; sorting keeps that of the runs.
    outliers: byOutside.sort((a, b) =>
      a.value.outside < b.value.outside ? -1 : Number(a.value.outside > b.value.outside),
    ),
    retrievals: await read(retrievals, retrievalFile, retrievalSchema),
    curves: await read(curves, learningCurveFile, learningCurveSchema),
  };
}

const valuesOf = <T>(measured: readonly Measured<T>[]): T[] => measured.map(({ value }) => value);
const armOf = ({ name, ...measured }: Awaited<ReturnType<typeof readArm>>): Arm => ({
  name,
  evaluations: valuesOf(measured.evaluations),
  robustness: valuesOf(measured.robustness),
  outliers: valuesOf(measured.outliers),
  retrievals: valuesOf(measured.retrievals),
  curves: valuesOf(measured.curves),
});

/** Pair by pair; that there are as many of both is looked at later. */
function requireSameData(what: string, a: readonly Measured<unknown>[], b: readonly Measured<unknown>[]): void {
  if (a.length !== b.length) return;
  const at = a.findIndex(({ data }, pair) => data !== b[pair]?.data);
  if (at >= 0)
    throw new ContrailError(
      'InvalidInput',
      `Number ${at + 1} of the ${what} was measured on data set ${a[at]?.data} in arm a and on ${b[at]?.data} in arm b. Arms are compared on the same data, in the same order of seeds.`,
    );
}
