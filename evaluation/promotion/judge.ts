import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import {
  classifierAboutSchema,
  type Evaluation,
  evaluationFile,
  evaluationSchema,
  splitImagesOf,
} from '../../contracts/evaluation.ts';
import { canonicalJson } from '../../contracts/json.ts';
import type { Candidate, Judgement, MetricName, ModelVersion, PromotionMetric } from '../../contracts/models.ts';
import { someOf } from '../../contracts/some-of.ts';
import { visible } from '../../contracts/visible-text.ts';
import { readAbout, readArtifactJson, type Store } from '../../store/index.ts';
import { type ImageAnswers, imageAnswers } from '../comparison/image-answers.ts';
import { differenceOn, type ImageDifference, measureOn } from '../comparison/image-measures.ts';
import { newRows } from '../comparison/new-rows.ts';
import { datasetOf } from './candidate.ts';

export interface Terms {
  readonly metric: MetricName;
  readonly margin: number;
  /** Where test images were seen by a model: the fewest others on which they are compared. */
  readonly minimumImages: number;
  /** Compares also where it is not known what a model has seen. */
  readonly unknownOverlap: boolean;
  /** Evaluates the current model on the candidate's test images, with k nearest neighbours; or says why not: a sentence. */
  readonly measureAgain: (current: ModelVersion, k: number) => Promise<ArtifactRef | string>;
}

/**
 * Compares a candidate with the current model of a name, on the test images of the candidate that neither has seen in training
 * or validation, and that neither evaluation leaves out as a leak.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function judge(
  store: Store,
  candidate: Candidate,
  current: ModelVersion,
  terms: Terms,
): Promise<Judgement> {
  const { metric, minimumImages, unknownOverlap, measureAgain } = terms;
  const name = `version ${current.version}`;
  if (current.evaluation.digest === candidate.evaluation.digest) return alreadyCurrent(candidate, name, metric);
  const after = candidate.metrics[metric] ?? null;
  if (after === null) return undecided(`${metric} was not measured of the new model`);
  if (current.classifier === null)
    return undecided(
      `${name} is an encoder that was measured by retrieval, and has no ${metric}; compare by \`metric: recallAt1\` or \`mapAtR\``,
      after,
    );

  const own = await readArtifactJson(store, candidate.evaluation, evaluationFile, evaluationSchema);
  const dataset = await datasetOf(store, candidate.evaluation);
  const testImages = splitImagesOf(own);
  const { rows, seen, unknown } = await newRows(store, dataset, testImages, [
    { name: 'the new model', ...candidate },
    { name, ...current },
  ]);
  if (unknown.length > 0 && !unknownOverlap)
    return undecided(`${unknown.join(' ')} \`unknownOverlap: true\` compares them all the same`, after);
  const answers = await imageAnswers(store, candidate.evaluation);
  const tooFew = (left: number): Judgement => ({
    ...undecided(
      `only ${left} of ${times(testImages, 'test image')} ${left === 1 ? 'is' : 'are'} new to both; the others were used to train the new model or ${name}, or are duplicates of what was. At least ${minimumImages} are needed (\`minimumImages\`)`,
      after,
    ),
    seen: testImages - left,
  });
  const notLeaking = rows.filter((row) => !answers?.isLeftOut(row));
  if (notLeaking.length < testImages && notLeaking.length < minimumImages) return tooFew(notLeaking.length);

  const others = await otherClasses(store, current.classifier, own.classes);
  const loses = others && losesClasses(name, others);
  if (loses) return { ...loses, after, seen };
  const k = own.knn[0]?.k ?? 0;
  const kept = await keptEvaluation(store, current, { testSet: candidate.testSet, classes: own.classes, metric, k });
  const measured = kept ?? (await measureAgain(current, k));
  if (typeof measured === 'string') return { ...undecided(measured, after), seen };
  const before = await imageAnswers(store, measured);
  if (!answers || !before)
    return undecided(
      'an evaluation keeps no single answers: it is of an earlier version of Contrail, or an image was forgotten; evaluate the model again',
      after,
    );
  const left = notLeaking.filter((row) => !before.isLeftOut(row));
  if (left.length < notLeaking.length && left.length < minimumImages) return tooFew(left.length);
  const difference = await differenceOn(answers, before, left, metric, own.classes.length);
  const leftOut = testImages - left.length;
  if (!difference) return { ...undecided(`${metric} was not measured of ${name}`, after), seen: leftOut };
  const against = { name, images: left.length, seen: leftOut, unknown: unknown.length > 0 };
  const judgement = decide(difference, terms, against);
  const known = onKnownClasses([answers, before], left, others, { metric, name, classes: own.classes });
  return { ...judgement, reason: `${judgement.reason}${known}` };
}

/** A candidate that is the current model. */
export const alreadyCurrent = (candidate: Candidate, name: string, metric: PromotionMetric): Judgement => ({
  ...undecided(`it is ${name} already`),
  before: candidate.metrics[metric] ?? null,
  after: candidate.metrics[metric] ?? null,
});

export const undecided = (reason: string, after: number | null = null): Judgement => ({
  better: false,
  before: null,
  after,
  reason,
  images: null,
  seen: null,
  interval: null,
});

/**
 * The evaluation that the current model came with, where it is of the same test images of the same classes, by the same k, and keeps
 * its answers: these are numbers of classes, and a test set is the same where its classes have changed places.
 */
async function keptEvaluation(
  store: Store,
  { testSet, evaluation }: ModelVersion,
  wanted: Pick<Candidate, 'testSet'> &
    Pick<Evaluation, 'classes'> & { readonly metric: MetricName; readonly k: number },
): Promise<ArtifactRef | null> {
  if (testSet !== wanted.testSet) return null;
  const answers = await imageAnswers(store, evaluation);
  if (!answers) return null;
  const { classes, knn } = await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema);
  if (canonicalJson(classes) !== canonicalJson(wanted.classes)) return null;
  return wanted.metric !== 'knn' || (answers.neighbours && knn[0]?.k === wanted.k) ? evaluation : null;
}

/** How the classes that a model knows differ from those of the candidate's test images; null where they are the same. */
interface OtherClasses {
  /** Those that it does not know, as it was trained before they came: it is wrong on all their images. */
  readonly added: readonly string[];
  /** Those that the candidate no longer knows. */
  readonly gone: readonly string[];
}

async function otherClasses(
  store: Store,
  classifier: ArtifactRef,
  classes: readonly string[],
): Promise<OtherClasses | null> {
  const { classes: known } = await readAbout(store, classifier, classifierAboutSchema);
  if (canonicalJson(known) === canonicalJson(classes)) return null;
  const without = (names: readonly string[], others: readonly string[]) =>
    names.filter((name) => !others.includes(name)).map(visible);
  return { added: without(classes, known), gone: without(known, classes) };
}

/** A class that is gone may be a folder that was not there, and a model without it would seem better. */
const losesClasses = (name: string, { added, gone }: OtherClasses): Judgement | null =>
  gone.length === 0
    ? null
    : undecided(
        `the new model does not know ${gone.length === 1 ? 'a class' : 'classes'} of ${name} (gone: ${someOf(gone)}${added.length > 0 ? `; new: ${someOf(added)}` : ''}), so they are not compared; only \`force\` promotes it`,
      );

/** Both models on the images of the classes that both know, in a sentence; none where no class is new. */
function onKnownClasses(
  answers: readonly [ImageAnswers, ImageAnswers],
  rows: Int32Array,
  others: OtherClasses | null,
  {
    metric,
    name,
    classes,
  }: { readonly metric: MetricName; readonly name: string; readonly classes: readonly string[] },
): string {
  if (!others || others.added.length === 0) return '';
  const isNew = new Set(classes.flatMap((each, label) => (others.added.includes(visible(each)) ? [label] : [])));
  const both = rows.filter((row) => !isNew.has(answers[0].labels[row] as number));
  const [after, before] = answers.map((each) => measureOn(each, both, metric, classes.length));
  const news = `${times(rows.length - both.length, 'image')} of ${someOf(others.added)}, which ${name} does not know`;
  return typeof after === 'number' && typeof before === 'number'
    ? `. Without the ${news}: ${figure(after)} and ${figure(before)}`
    : `. With ${news}`;
}

/** Whether a difference is enough, in a sentence with its interval. */
export function decide(
  { after, before, interval, more }: ImageDifference,
  { metric, margin }: { readonly metric: PromotionMetric; readonly margin: number },
  { name, images, seen, unknown }: { name: string; images: number; seen: number; unknown: boolean },
): Judgement {
  const better = after > before && after - before >= margin - rounding;
  const wanted = margin === 0 ? 'more' : `at least ${figure(margin)} more`;
  const counted =
    more === null || more === 0 ? '' : `${times(Math.abs(more), 'image')} ${more > 0 ? 'more' : 'fewer'}, `;
  const found = [
    `${metric} ${figure(after)}, and ${name} has ${figure(before)}, on ${times(images, 'test image')}`,
    seen > 0 ? ` that neither has seen (${seen} others were left out)` : '',
    unknown ? ' of which some may have been used to train one of them' : '',
    `: ${counted}95 % interval of the difference ${signed(interval[0])} to ${signed(interval[1])}`,
    better && interval[0] <= 0 ? ', so it may be chance' : '',
  ].join('');
  return {
    better,
    before,
    after,
    reason: better ? found : `${found}; ${wanted} is needed`,
    images,
    seen,
    interval: [interval[0], interval[1]],
  };
}

/** 0.9 - 0.88 is a little less than 0.02. */
const rounding = 1e-12;
const figure = (value: number) => String(Number(value.toFixed(4)));
const signed = (value: number) => `${value > 0 ? '+' : ''}${figure(value)}`;
