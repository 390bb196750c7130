import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { evaluationAboutSchema } from '../../contracts/evaluation.ts';
import { canonicalJson } from '../../contracts/json.ts';
import { type MetricName, metricNames } from '../../contracts/models.ts';
import type { Report } from '../../contracts/report.ts';
import { digestsIfKept } from '../../datasets/index.ts';
import { readAbout, type Store, testSetOf, unlessDamaged } from '../../store/index.ts';
import { mean } from '../metrics/statistics.ts';
import { type ImageAnswers, imageAnswers } from './image-answers.ts';
import { differenceOn, measureOn } from './image-measures.ts';
import { fewestImages, type NamedModel, newRows } from './new-rows.ts';

/** Accuracies of an arm on the images that all have in common; null where not measured. */
export interface CommonMeasures {
  readonly arm: string;
  readonly values: Readonly<Record<MetricName, number | null>>;
}

/** What may be compared of runs that were measured on different test images. */
export interface CommonImages {
  /** Test images that are in the test split of all. */
  readonly common: number;
  /** Of these, those that no model has seen in training or validation, that no evaluation leaves out, and that all call by the same class. */
  readonly fresh: number;
  /** Why it is not known, or that there are too few: a sentence; null where they were compared. */
  readonly problem: string | null;
  readonly arms: readonly CommonMeasures[];
  /** Of two arms with an evaluation each: how top-1 differs, the first less the second. */
  readonly difference: { readonly value: number; readonly interval: readonly [number, number] } | null;
}

type Evaluated = Report['evaluations'][number];

/**
 * Whether evaluations were made on the same test images and labels; false where that is not known.
 *
 * @throws ContrailError StoreUnreadable
 */
export async function sameTestImages(store: Store, evaluations: readonly Evaluated[]): Promise<boolean> {
  const datasets = new Set(evaluations.map(({ dataset }) => dataset));
  if (datasets.size <= 1) return true;
  // A test set holds labels as numbers, so it is the same where the classes have changed places.
  if (new Set(evaluations.map(({ evaluation }) => canonicalJson(evaluation.classes))).size > 1) return false;
  const sets = await unlessDamaged(
    Promise.all([...datasets].map((digest) => testSetOf(store, { kind: 'dataset', digest }))),
    () => {},
  );
  return sets !== null && new Set(sets).size === 1;
}

/** Compares evaluations on the test images that all have in common, and that none of their models has seen. */
export async function commonImages(store: Store, evaluations: readonly Evaluated[]): Promise<CommonImages> {
  const nothing = { common: 0, fresh: 0, arms: [], difference: null };
  const datasets = [...new Set(evaluations.map(({ dataset }) => dataset))];
  const rowsByImage = new Map<string, Map<string, number>>();
  for (const digest of datasets) {
    const digests = await digestsIfKept(store, { kind: 'dataset', digest }, 'test');
    if (!digests)
      return {
        ...nothing,
        problem: `It is not known which test images they have in common: the data set ${digest.slice(0, 12)}… is gone, or of a version of Contrail that did not keep what its images were made from.`,
      };
    rowsByImage.set(digest, new Map(digests.source.map((image, row) => [image, row])));
  }
  const [first, ...others] = datasets.map((digest) => rowsByImage.get(digest) ?? new Map<string, number>());
  const shared = [...(first?.keys() ?? [])].filter((image) => others.every((rows) => rows.has(image)));
  if (shared.length === 0) return { ...nothing, problem: 'They have no test image in common.' };

  const models: (NamedModel & { readonly answers: ImageAnswers })[] = [];
  for (const { artifact, arm } of evaluations) {
    const ref = artifact ? ({ kind: 'evaluation', digest: artifact } as const) : null;
    const answers = ref && (await imageAnswers(store, ref));
    if (!ref || !answers)
      return {
        ...nothing,
        common: shared.length,
        problem: `The evaluation of ${arm} keeps no single answers: it is of an earlier version of Contrail, or an image was forgotten. Evaluate it again.`,
      };
    const { encoder, classifier } = await readAbout(store, ref, evaluationAboutSchema);
    models.push({ name: arm, answers, encoder, classifier });
  }
  const seen = new Set<string>();
  const unknown: string[] = [];
  for (const digest of datasets) {
    const rows = rowsByImage.get(digest) ?? new Map<string, number>();
    const found = await newRows(store, { kind: 'dataset', digest } satisfies ArtifactRef, maximum(rows) + 1, models);
    const fresh = new Set(found.rows);
    const own = models.filter((_, at) => evaluations[at]?.dataset === digest);
    for (const [image, row] of rows)
      if (!fresh.has(row) || own.some(({ answers }) => answers.isLeftOut(row))) seen.add(image);
    for (const problem of found.unknown) unknown.push(problem);
  }
  if (unknown[0] !== undefined) return { ...nothing, common: shared.length, problem: unknown[0] };

  const classOf = (at: number, image: string) => {
    const own = evaluations[at];
    const row = rowsByImage.get(own?.dataset ?? '')?.get(image) ?? -1;
    return own?.evaluation.classes[models[at]?.answers.labels[row] ?? -1];
  };
  const images = shared.filter(
    (image) => !seen.has(image) && evaluations.every((_, at) => classOf(at, image) === classOf(0, image)),
  );
  const counts = { common: shared.length, fresh: images.length };
  if (images.length < fewestImages)
    return {
      ...nothing,
      ...counts,
      problem: `Of these only ${images.length} ${images.length === 1 ? 'is' : 'are'} new to all models; a comparison takes at least ${fewestImages}.`,
    };
  const measured = evaluations.map(({ arm, dataset, evaluation }, at) => {
    const rows = images.map((image) => rowsByImage.get(dataset)?.get(image) ?? 0);
    return { arm, classes: evaluation.classes.length, answers: taken(models[at]?.answers as ImageAnswers, rows) };
  });
  const all = Int32Array.from(images, (_, at) => at);
  const arms = [...new Set(measured.map(({ arm }) => arm))].map((arm) => {
    const own = measured.filter((each) => each.arm === arm);
    const values = metricNames.map((metric) => {
      const found = own.flatMap(({ answers, classes }) => measureOn(answers, all, metric, classes) ?? []);
      return [metric, found.length === own.length ? mean(found) : null];
    });
    return { arm, values: Object.fromEntries(values) as CommonMeasures['values'] };
  });
  const [a, b] = measured;
  const compared =
    a && b && measured.length === 2 && arms.length === 2
      ? await differenceOn(a.answers, b.answers, all, 'top1', a.classes)
      : null;
  return {
    ...counts,
    problem: null,
    arms,
    difference: compared && { value: compared.after - compared.before, interval: compared.interval },
  };
}

const maximum = (rows: ReadonlyMap<string, number>): number => {
  let most = -1;
  for (const row of rows.values()) most = Math.max(most, row);
  return most;
};

/** The answers on some rows, in their order. */
function taken(
  { labels, predicted, confidence, rank, neighbours, isLeftOut }: ImageAnswers,
  rows: readonly number[],
): ImageAnswers {
  const pick = (values: ArrayLike<number>) => Int32Array.from(rows, (row) => values[row] ?? 0);
  return {
    labels: pick(labels),
    predicted: pick(predicted),
    confidence: rows.map((row) => confidence[row] ?? 0),
    rank: pick(rank),
    neighbours: neighbours && pick(neighbours),
    isLeftOut: (at) => isLeftOut(rows[at] ?? -1),
  };
}
