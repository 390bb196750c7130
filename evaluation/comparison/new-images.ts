import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type Evaluation, evaluationAboutSchema, splitImagesOf } from '../../contracts/evaluation.ts';
import { readAbout, type Store } from '../../store/index.ts';
import { type ImageAnswers, imageAnswers } from './image-answers.ts';
import { measureOn, perClassOn } from './image-measures.ts';
import { fewestImages, newRows } from './new-rows.ts';

/** An evaluation, and where it is kept. */
export interface StoredEvaluation {
  readonly name: string;
  readonly ref: ArtifactRef;
  readonly evaluation: Evaluation;
}

/** Two evaluations of the same test images, and what a reader should know of them: sentences. */
export interface OnNewImages {
  readonly evaluations: readonly [Evaluation, Evaluation];
  readonly notes: readonly string[];
}

/**
 * Two evaluations of one data set, on the test images that neither model has seen in training or validation, and that neither evaluation
 * leaves out: accuracies and F1 are measured without the others. As they are where these are what both were measured on.
 *
 * @throws ContrailError InvalidInput where too few are left, or one leaves images out and they cannot be taken out of the other
 */
export async function onNewImages(store: Store, a: StoredEvaluation, b: StoredEvaluation): Promise<OnNewImages> {
  const evaluations = [a.evaluation, b.evaluation] as const;
  const [aboutA, aboutB] = [await aboutOf(store, a), await aboutOf(store, b)];
  const testImages = splitImagesOf(a.evaluation);
  const { rows, seen, unknown } = await newRows(store, aboutA.dataset, testImages, [
    { ...aboutA, name: a.name },
    { ...aboutB, name: b.name },
  ]);
  const [answersA, answersB] = [await imageAnswers(store, a.ref), await imageAnswers(store, b.ref)];
  const left = rows.filter((row) => !answersA?.isLeftOut(row) && !answersB?.isLeftOut(row));
  if (evaluations.every((each) => each.testImages === left.length)) return { evaluations, notes: unknown };
  if (left.length < fewestImages)
    throw new ContrailError(
      'InvalidInput',
      `Of ${testImages} test images ${a.name} or ${b.name} was trained on, or chosen by, all but ${left.length}, or on duplicates of them. A comparison takes at least ${fewestImages} that are new to both: evaluate them on other test images.`,
    );
  const without = [...(answersA ? [] : [a.name]), ...(answersB ? [] : [b.name])];
  if (!answersA || !answersB) {
    const leaving = [a, b].filter(({ evaluation }) => evaluation.testImages < testImages);
    if (leaving.length > 0) throw onOtherImages(leaving, without, testImages);
    const seenText = `${seen} of ${times(testImages, 'test image')} ${seen === 1 ? 'was' : 'were'} seen by ${a.name} or ${b.name} in training or validation, and ${seen === 1 ? 'is' : 'are'} compared all the same: ${goneText(without)}`;
    return { evaluations, notes: [...unknown, ...(seen === 0 ? [] : [seenText])] };
  }
  const leaks = rows.length - left.length;
  const why = [
    ...(seen > 0
      ? [
          `${seen} of ${times(testImages, 'test image')} ${seen === 1 ? 'was' : 'were'} seen by ${a.name} or ${b.name} in training or validation`,
        ]
      : []),
    ...(leaks > 0
      ? [
          `${seen > 0 ? times(leaks, 'other') : `${leaks} of ${times(testImages, 'test image')}`} ${leaks === 1 ? 'is a duplicate' : 'are duplicates'} of training images`,
        ]
      : []),
  ].join(', and ');
  const note = `${why}: accuracies and F1 are compared on the other ${left.length}.`;
  return {
    evaluations: [measuredOn(a.evaluation, answersA, left), measuredOn(b.evaluation, answersB, left)],
    notes: [...unknown, note],
  };
}

const goneText = (names: readonly string[]): string =>
  `the evaluation of ${names.join(' and that of ')} ${names.length === 1 ? 'keeps no single answers, because it is' : 'keep no single answers, because they are'} of an earlier version or an image was forgotten.`;

/** An evaluation is without images that leak, and what the other said of each image is not known, so that they cannot be taken out of it. */
function onOtherImages(
  leaving: readonly StoredEvaluation[],
  without: readonly string[],
  testImages: number,
): ContrailError {
  const told = leaving.map(
    ({ name, evaluation }) => `that of ${name} leaves out ${times(testImages - evaluation.testImages, 'test image')}`,
  );
  return new ContrailError(
    'InvalidInput',
    `The two evaluations cannot be compared on the same test images: ${told.join(', ')}, and ${goneText(without)} Evaluate ${without.join(' and ')} again.`,
  );
}

const aboutOf = (store: Store, { ref }: StoredEvaluation) => readAbout(store, ref, evaluationAboutSchema);

function measuredOn(evaluation: Evaluation, answers: ImageAnswers, rows: Int32Array): Evaluation {
  const classes = evaluation.classes.length;
  const on = (metric: Parameters<typeof measureOn>[2]) => measureOn(answers, rows, metric, classes);
  const knn = on('knn');
  return {
    ...evaluation,
    testImages: rows.length,
    top1: on('top1'),
    top5: on('top5'),
    macroF1: on('macroF1'),
    knn: evaluation.knn.slice(0, knn === null ? 0 : 1).map(({ k }) => ({ k, accuracy: knn })),
    perClass: perClassOn(answers, rows, classes),
  };
}
