import { type DatasetAbout, splitNames, splitOf as splitOfSet, trainedClassesOf } from '../../contracts/artifacts.ts';
import { sumOfCells } from '../../contracts/confusion.ts';
import {
  type InspectedImage,
  type Inspection,
  inspectionFile,
  type LabelSuspect,
  leaksFile,
  relabelsFile,
} from '../../contracts/inspection.ts';
import type { JobInput, JobResult, TrainerProgress } from '../../contracts/trainer.ts';
import { describeDataset, openSplit, rowsByClass, spreadRows } from '../../datasets/index.ts';
import { encodeSafetensors, jsonBytes, writeArtifact } from '../../store/index.ts';
import { type JobContext, stopIfAsked } from '../../training/index.ts';
import type { Embedding } from '../embedding.ts';
import { withFrozenEncoder } from '../frozen-encoder.ts';
import { spreadOver } from '../split-views.ts';
import { askCheckpoints, startOfTrain } from './ask-checkpoints.ts';
import { bothWays, type FoundSuspect } from './both-ways.ts';
import { alikeClasses, balanceOf } from './classes.ts';
import type { Suspect } from './confident-learning.ts';
import {
  countDuplicates,
  exactCopies,
  type Found,
  kindIn,
  nearDuplicates,
  pairsToShow,
  type SplitOf,
} from './duplicates.ts';
import { leakTensors } from './leaks.ts';
import { lookAt, type Part } from './looks.ts';
import { namesOf } from './names.ts';
import { fitFolds } from './out-of-sample.ts';
import { findOutliers } from './outliers.ts';
import { relabelsCsv } from './relabels.ts';
import { sameEmbeddings } from './same-embeddings.ts';
import { judgeLabels } from './suspects.ts';
import { type Turn, turns } from './turns.ts';

const mostConfused = 100;

/**
 * Looks for what is odd about a data set: duplicates within and across splits, labels that are probably wrong, outliers, classes
 * that may be one, unbalanced classes. Nothing is changed: a person decides, by `relabels.csv`.
 */
export async function inspectData(
  input: JobInput<'inspect-data'>,
  context: JobContext,
): Promise<JobResult<'inspect-data'>> {
  const { dataset, encoder, parameters } = input;
  const about = await describeDataset(context.store, dataset);
  const turnOf = (phase: string, unit: TrainerProgress['unit'] = 'images'): Turn =>
    turns((done, total) => {
      context.progress({ phase, done, total: Math.max(1, total), unit });
      stopIfAsked(context);
    });
  const parts: Part[] = [];
  try {
    for await (const part of openedParts(input, about, context)) parts.push(part);
    const labels = await labelsOf(parts);
    const splitOf = Uint8Array.from(parts.flatMap(({ rows }, split) => Array<number>(rows.length).fill(split)));
    // First, because there may be no checkpoints.
    const { training } = parameters;
    const checkpoints = training && (await askCheckpoints(training, parts, parameters.images, context));
    const looks = await lookAt(context.store, dataset, parts, {
      wantsPixels: encoder === undefined,
      turn: turnOf('looking at images'),
    });
    const embedding = looks.pixels ?? (await embed(input, parts, context));

    const exact = exactCopies(looks.digests, splitOf, parts.length);
    const { hashDistance, correlation, cosine } = parameters;
    const near = await nearDuplicates(looks, splitOf, parts.length, {
      distance: hashDistance,
      correlation,
      turn: turnOf('near duplicates'),
    });
    const byEmbedding = encoder && (await sameEmbeddings(embedding, parts, cosine, turnOf('same embeddings')));
    const found: Found = [
      { kind: 'exact', partners: exact },
      { kind: 'near', partners: near.found },
      ...(byEmbedding ? [{ kind: 'embedding' as const, partners: byEmbedding }] : []),
    ];

    const { folds, epochs, seed, neighbours, listed } = parameters;
    const classes = about.classes.length;
    const classifiers = await fitFolds(embedding, labels, {
      classes,
      folds,
      epochs,
      seed,
      turn: turnOf('classifiers of the folds', 'epochs'),
    });
    const judged = await judgeLabels(classifiers, labels, classes, turnOf('labels'));
    const ways = checkpoints && bothWays(judged.suspects, checkpoints, startOfTrain(parts));
    const far = await findOutliers(embedding, labels, neighbours, turnOf('outliers'));
    const alike = alikeClasses(about.classes, judged.confused, embedding, labels);

    const nameOf = await namesOf(context.store, dataset, parts);
    const imageOf = (image: number): InspectedImage => ({ ...nameOf(image), label: labels[image] as number });
    const counts = countDuplicates(found, splitOf, parts.length).map((each) => ({
      ...each,
      split: splitName(parts, each.split),
      alsoIn: splitName(parts, each.alsoIn),
    }));
    const lone = [...rowsByClass(labels).values()].filter(({ length }) => length === 1).length;
    const suspectOf = ({ image, suggested, confidence, ownConfidence }: Suspect): LabelSuspect => ({
      ...imageOf(image),
      suggested,
      confidence,
      ownConfidence,
      ...(ways ? { byLoss: ways.isBoth(image) } : {}),
    });
    const inspection: Inspection = {
      dataset: about.name,
      classes: about.classes,
      seed,
      embedding: encoder ? 'encoder' : 'pixels',
      images: parts.map(({ split, rows }) => ({ split, images: rows.length })),
      duplicates: {
        found: counts,
        pairs: pairsToShow(found, splitOf, listed).map(({ a, b, ...pair }) => ({
          ...pair,
          a: imageOf(a),
          b: imageOf(b),
        })),
        blank: looks.blank.reduce((sum, each) => sum + each, 0),
        cutShort: near.cutShort,
      },
      suspects: {
        folds,
        accuracy: judged.accuracy,
        leftOut: { classes: lone, images: lone },
        count: judged.suspects.length,
        confused: confusedLabels(judged.suspects, labels, classes),
        listed: judged.suspects.slice(0, listed).map(suspectOf),
        ...(ways && training ? { byLoss: ways.byLoss(training, listed, imageOf) } : {}),
      },
      outliers: {
        neighbours,
        leftOut: far.leftOut,
        count: far.outliers.length,
        listed: far.outliers.slice(0, listed).map(({ image, ...each }) => ({ ...imageOf(image), ...each })),
      },
      alike: alike.listed,
      // Classes that are held out have no training image, and are not small for that.
      balance: balanceOf(trainedClassesOf(about), about.splits.train.perClass),
    };
    const relabels = (ways?.all ?? judged.suspects).map((suspect: Suspect | FoundSuspect) => {
      const { name, split, label } = imageOf(suspect.image);
      const kinds = parts.flatMap((other, at) => {
        const kind = kindIn(found, suspect.image, at);
        return kind === null ? [] : [`${kind === 'exact' ? 'a copy' : 'a near duplicate'} in ${other.split}`];
      });
      return {
        image: name,
        label: about.classes[label] ?? '',
        suggested: about.classes[suspect.suggested] ?? '',
        confidence: suspect.confidence,
        note: [split, ...kinds].join('; '),
        ...('found' in suspect ? { found: suspect.found } : {}),
      };
    });
    const ref = await writeArtifact(context.store, {
      kind: 'inspection',
      about: { dataset, ...(encoder ? { encoder } : {}), ...(training ? { training } : {}) },
      files: [
        { path: inspectionFile, content: jsonBytes(inspection) },
        { path: relabelsFile, content: relabelsCsv(relabels, { ways: ways !== undefined }) },
        { path: leaksFile, content: encodeSafetensors(leakTensors(found, parts)) },
      ],
    });
    const { largest, smallest } = inspection.balance;
    return {
      inspection: { ...ref, kind: 'inspection' },
      images: labels.length,
      ...headline(found, splitOf, parts),
      labelSuspects: judged.suspects.length,
      ...(ways && checkpoints ? { lossSuspects: checkpoints.suspects.length, bothSuspects: ways.both } : {}),
      outliers: far.outliers.length,
      alikeClasses: alike.count,
      largestToSmallest: smallest.images === 0 ? null : largest.images / smallest.images,
    };
  } finally {
    for (const { images } of parts) await images.close();
  }
}

/** Opens the splits that have images, one after the other. */
async function* openedParts(
  { dataset, parameters }: JobInput<'inspect-data'>,
  about: DatasetAbout,
  context: JobContext,
): AsyncGenerator<Part> {
  for (const split of splitNames) {
    const { count } = splitOfSet(about, split);
    if (count === 0) continue;
    const images = await openSplit(context.store, dataset, split, (done, total) => {
      context.progress({ phase: `checking ${split} images`, done, total, unit: 'images' });
      stopIfAsked(context);
    });
    yield { split, images, rows: spreadRows(count, parameters.images ?? count) };
  }
}

async function labelsOf(parts: readonly Part[]): Promise<Int32Array> {
  const labels: number[] = [];
  for (const { images, rows } of parts) {
    const all = await images.labels();
    for (const row of rows) labels.push(all[row] as number);
  }
  return Int32Array.from(labels);
}

/** The encoder's embedding of the images of all parts, one after the other. */
async function embed(
  { encoder, dataset, parameters }: JobInput<'inspect-data'>,
  parts: readonly Part[],
  context: JobContext,
): Promise<Embedding> {
  if (!encoder) throw new Error('without an encoder the pixels are the embedding');
  return withFrozenEncoder({ encoder, dataset }, context, async (featuresOf) => {
    const total = parts.reduce((sum, { rows }) => sum + rows.length, 0);
    let values = new Float32Array();
    let [before, dimension] = [0, 0];
    for (const { images } of parts) {
      const taken = spreadOver(images, parameters.images);
      const own = await featuresOf(taken, { phase: 'features', before, total });
      dimension = own.dimension;
      if (before === 0) values = new Float32Array(total * dimension);
      values.set(own.features, before * dimension);
      before += own.count;
    }
    return { values, count: total, dimension };
  });
}

const splitName = (parts: readonly Part[], at: number): string => parts[at]?.split ?? '';

/** Images that have duplicates, each counted once by its surest kind; and those of other splits that have one in training. */
function headline(found: Found, splitOf: SplitOf, parts: readonly Part[]) {
  const counts = { exact: 0, near: 0, embedding: 0 };
  let leaks = 0;
  const train = parts.findIndex(({ split }) => split === 'train');
  for (const [image, split] of splitOf.entries()) {
    const kinds = new Set(parts.map((_, at) => kindIn(found, image, at)));
    const surest = found.find(({ kind }) => kinds.has(kind))?.kind;
    if (surest) counts[surest]++;
    if (split !== train && train >= 0 && kindIn(found, image, train) !== null) leaks++;
  }
  const hasEmbedding = found.some(({ kind }) => kind === 'embedding');
  return {
    copies: counts.exact,
    nearDuplicates: counts.near,
    sameEmbedding: hasEmbedding ? counts.embedding : null,
    leaks,
  };
}

function confusedLabels(
  suspects: readonly Suspect[],
  labels: Int32Array,
  classes: number,
): Inspection['suspects']['confused'] {
  return sumOfCells(
    classes,
    suspects.map(({ image, suggested }) => [labels[image] as number, suggested, 1]),
  )
    .cells.map(([label, suggested, images]) => ({ label, suggested, images }))
    .sort((a, b) => b.images - a.images)
    .slice(0, mostConfused);
}
