import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type ArtifactRef, datasetAboutSchema } from '../../contracts/artifacts.ts';
import {
  embeddingFile,
  evaluationAboutSchema,
  evaluationFile,
  evaluationSchema,
  predictionsFile,
} from '../../contracts/evaluation.ts';
import { evaluateParameters } from '../../contracts/kinds/evaluate.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { knownImagesFile } from '../../contracts/known-images.ts';
import { trainerJobs } from '../../contracts/trainer.ts';
import { loadSplit, randomUint32, readRowDigests } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { candidateOf } from '../../evaluation/promotion/candidate.ts';
import { evaluationNotes } from '../../report/evaluation-notes.ts';
import { formatEvaluation } from '../../report/markdown/evaluation.ts';
import {
  decodeSafetensors,
  float32,
  int32,
  jsonBytes,
  readAbout,
  readArtifact,
  readArtifactFile,
  writeArtifact,
} from '../../store/index.ts';
import { openEncoder } from '../../training/index.ts';
import { openKnown } from '../../vectors/index.ts';
import { classifier, context, dataset, encoder, folder, key, parsed, prepare, store, useTrained } from './trained.ts';

useTrained();

/** What evaluate measures on an encoder that was really trained. */
describe('a classifier on a data set of other classes', () => {
  const measure = async (on: ArtifactRef) => {
    const parameters = evaluateParameters.parse({ neighbours: [1] });
    const input = trainerJobs.evaluate.input.parse({ ...key, classifier, encoder, dataset: on, parameters });
    return evaluationSchema.parse(await parsed((await stepJobs.evaluate(input, context())).evaluation, evaluationFile));
  };
  /** The images of the data set that the classifier learnt, and of others, as a folder whose classes have these names. */
  const prepared = async (name: string, classes: readonly string[]) => {
    for (const [label, each] of classes.entries())
      for (let image = 0; image < 24; image++) {
        const path = join(folder, name, each, `${image}.png`);
        await mkdir(dirname(path), { recursive: true });
        await sharp(
          Uint8Array.from({ length: 32 * 32 }, (_, at) => randomUint32(3, name, label, image, at) >>> 24),
          {
            raw: { width: 32, height: 32, channels: 1 },
          },
        )
          .png()
          .toFile(path);
      }
    return prepare({ dataset: 'image-folder', path: join(folder, name), size: 32, channels: 1, test: 0.4 });
  };

  it('answers its own classes by their names, and never those that are new', async () => {
    const { classes } = await readAbout(store, dataset, datasetAboutSchema);
    // Names that come before and after, so that every number of a class is another.
    const measured = await measure(await prepared('more', ['- new', ...classes, 'zz new']));
    const added = [measured.classes.indexOf('- new'), measured.classes.indexOf('zz new')];
    expect(measured.confusion.cells.some(([, as]) => added.includes(as))).toBe(false);
    expect(added.map((label) => measured.perClass[label]?.recall)).toEqual([0, 0]);
    expect(measured.calibration?.temperature).toBeLessThan(50);
  });

  it('is refused where one of its classes is not there', async () => {
    const { classes } = await readAbout(store, dataset, datasetAboutSchema);
    await expect(measure(await prepared('fewer', [...classes.slice(1), 'zz new']))).rejects.toThrow(
      `The classifier knows classes that the data set does not have (${classes[0]})`,
    );
  });
});

describe('evaluate', () => {
  it('measures classifier and embedding, and keeps what the measures were taken on', async () => {
    const input = trainerJobs.evaluate.input.parse({
      ...key,
      classifier,
      encoder,
      dataset,
      parameters: evaluateParameters.parse({ neighbours: [20, 200] }),
    });
    const { evaluation: ref, top1, weakest } = await stepJobs.evaluate(input, context());
    const evaluation = evaluationSchema.parse(await parsed(ref, evaluationFile));
    expect(top1).toBeGreaterThan(0.6);
    const recalls = evaluation.perClass.map(({ recall }) => recall ?? 1);
    const label = evaluation.classes.indexOf(weakest?.class ?? '');
    expect(recalls[label]).toBe(Math.min(...recalls));
    expect(weakest).toMatchObject({
      right: evaluation.confusion.cells.find(([is, as]) => is === label && as === label)?.[2] ?? 0,
      images: evaluation.perClass[label]?.support,
    });
    expect(evaluation.knn.map(({ k }) => k)).toEqual([20, 200]);
    expect(evaluation.reliability?.reduce((sum, { images }) => sum + images, 0)).toBe(evaluation.testImages);
    expect(evaluation.geometry.recallAt?.map(({ k }) => k)).toEqual([1, 2, 4, 8]);
    expect(evaluation.geometry.rPrecision).toBeGreaterThanOrEqual(evaluation.geometry.mapAtR ?? 1);

    const predictions = decodeSafetensors(await readArtifactFile(store, ref, predictionsFile)).tensors;
    const [labels, probabilities] = [predictions.get('labels'), predictions.get('probabilities')];
    expect(probabilities?.shape).toEqual([evaluation.testImages, 3]);
    const truth = labels && int32(labels);
    const values = probabilities && float32(probabilities);
    const predicted = (row: number) => {
      const own = values?.subarray(3 * row, 3 * row + 3) ?? new Float32Array();
      return own.indexOf(Math.max(...own));
    };
    for (const { row, label, predicted: taken, confidence } of evaluation.worst ?? []) {
      expect([truth?.[row], predicted(row)]).toEqual([label, taken]);
      expect(values?.[3 * row + taken]).toBeCloseTo(confidence, 10);
    }
    for (const { a, b, count, rows } of evaluation.mostConfused) {
      expect(rows).toHaveLength(Math.min(100, count));
      for (const row of rows ?? [])
        expect([truth?.[row] ?? 0, predicted(row)].map((label) => evaluation.classes[label]).sort()).toEqual(
          [a, b].sort(),
        );
    }
    const embedding = decodeSafetensors(await readArtifactFile(store, ref, embeddingFile)).tensors;
    expect(embedding.get('rows')?.shape).toEqual([evaluation.geometry.images]);
    expect(embedding.get('embedding')?.shape).toEqual([evaluation.geometry.images, 16]);
  });

  it('keeps the training images that photos are compared with, which call as many test images unknown as it says', async () => {
    const input = { ...key, classifier, encoder, dataset, parameters: evaluateParameters.parse({ refusals: 0.2 }) };
    const { evaluation: ref } = await stepJobs.evaluate(trainerJobs.evaluate.input.parse(input), context());
    const { unknown } = evaluationSchema.parse(await parsed(ref, evaluationFile)).calibration ?? {};
    const { train } = datasetAboutSchema.parse((await readArtifact(store, dataset)).about).splits;
    const kept = decodeSafetensors(await readArtifactFile(store, ref, knownImagesFile)).tensors;
    const [rows, embedding] = [kept.get('rows'), kept.get('embedding')];
    expect([rows?.shape, embedding?.shape]).toEqual([[train.count], [train.count, 16]]);
    const opened = await openEncoder(store, encoder);
    const test = await loadSplit(store, dataset, 'test');
    const known = await openKnown(store, ref);
    const similarities = await known.nearest(await opened.features(test.images, test.count));
    await known.close();
    opened.dispose();
    const { threshold = 2, refused } = unknown?.similarity ?? {};
    expect(refused).toBeGreaterThan(0);
    // A test image that is as far as the threshold may be on its other side by rounding.
    const shares = [-1e-5, 1e-5].map((by) => similarities.filter((each) => each < threshold + by).length / test.count);
    expect(refused).toBeGreaterThanOrEqual(shares[0] ?? 1);
    expect(refused).toBeLessThanOrEqual(shares[1] ?? 0);
  });

  it('calibrates the classifier, and chooses what is unknown, by validation images', async () => {
    const measuredWith = async (parameters: object) => {
      const input = { ...key, classifier, encoder, dataset, parameters: evaluateParameters.parse(parameters) };
      const { evaluation: ref } = await stepJobs.evaluate(trainerJobs.evaluate.input.parse(input), context());
      return evaluationSchema.parse(await parsed(ref, evaluationFile));
    };
    const evaluation = await measuredWith({});
    const { calibration } = evaluation;
    const { splits } = datasetAboutSchema.parse((await readArtifact(store, dataset)).about);
    expect(calibration?.images).toBe(splits.validation.count);
    const { before = 0, after = 0 } = calibration?.negativeLogLikelihood ?? {};
    expect(after).toBeLessThanOrEqual(before);
    expect(calibration?.expectedCalibrationError.before).toBe(evaluation.expectedCalibrationError);
    expect(calibration?.expectedCalibrationError.after).toBeLessThan(1);
    expect(calibration?.unknown.refusals).toBe(0.05);
    expect(Math.abs(calibration?.unknown.similarity.threshold ?? 2)).toBeLessThanOrEqual(1.00001);
    expect(calibration?.unknown.known).toEqual({ images: splits.train.count, training: splits.train.count });
    const strict = (await measuredWith({ refusals: 0.5 })).calibration;
    for (const by of ['similarity', 'logit'] as const) {
      const [few, many] = [calibration?.unknown[by], strict?.unknown[by]];
      expect(many?.threshold).toBeGreaterThan(few?.threshold ?? 0);
      expect(many?.refused).toBeGreaterThan(few?.refused ?? 1);
    }
    const text = formatEvaluation(evaluation);
    expect(text).toContain(`By ${splits.validation.count} validation images, logits are divided by`);
    expect(text).toContain('similarity to the nearest training image');
  });

  it('writes what promote can read, and what earlier versions wrote can be read too', async () => {
    const input = trainerJobs.evaluate.input.parse({
      ...key,
      classifier,
      encoder,
      dataset,
      parameters: evaluateParameters.parse({}),
    });
    const { evaluation: ref } = await stepJobs.evaluate(input, context());
    const {
      reliability: _,
      worst: __,
      calibration: _____,
      ...now
    } = evaluationSchema.parse(await parsed(ref, evaluationFile));
    const { recallAt: ___, rPrecision: ____, ...geometry } = now.geometry;
    const before = {
      ...now,
      geometry,
      mostConfused: now.mostConfused.map(({ a, b, count }) => ({ a, b, count })),
    };
    const old = await writeArtifact(store, {
      kind: 'evaluation',
      about: { classifier, encoder, dataset },
      files: [{ path: evaluationFile, content: jsonBytes(before) }],
    });
    const [oldCandidate, candidate] = [await candidateOf(store, key, old), await candidateOf(store, key, ref)];
    expect(oldCandidate.metrics).toEqual(candidate.metrics);
    expect(formatEvaluation(evaluationSchema.parse(before))).not.toContain('undefined');
  });
});

describe('evaluate, where test images are missing or were trained on', () => {
  /** A folder of pictures, each other noise, two classes by their brightness; `test` may repeat images of `train`. */
  async function evaluated(name: string, test: readonly number[]) {
    const path = join(folder, name);
    const write = async (split: string, image: number, as: number) => {
      const label = image % 2;
      const pixels = Uint8Array.from(
        { length: 1024 },
        (_, at) => 120 * label + (randomUint32(3, 'image', image, at) % 90),
      );
      const file = join(path, split, `class-${label}`, `${as}.png`);
      await mkdir(dirname(file), { recursive: true });
      await sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } })
        .png()
        .toFile(file);
    };
    for (let image = 0; image < 40; image++) await write('train', image, image);
    for (const [as, image] of test.entries()) await write('test', image, as);
    const ref = await prepare({
      dataset: 'image-folder',
      path,
      channels: 1,
      ...(test.length === 0 ? { test: 0 } : {}),
    });
    const parameters = linearProbeParameters.parse({ epochs: 5, learningRates: [0.1] });
    const probe = await stepJobs['linear-probe']({ ...key, encoder, dataset: ref, parameters }, context());
    const input = {
      ...key,
      classifier: probe.classifier,
      encoder,
      dataset: ref,
      parameters: evaluateParameters.parse({}),
    };
    return stepJobs.evaluate(trainerJobs.evaluate.input.parse(input), context());
  }

  it('refuses a data set without test images, and says what to do', () =>
    expect(evaluated('no-test', [])).rejects.toMatchObject({
      code: 'InvalidDataset',
      message: expect.stringMatching(/has no test images?.*raise `test`/i),
    }));

  it('counts copies of training images, and measures without them', async () => {
    const result = await evaluated('copies', [0, 1, 100, 101, 102, 103]);
    expect(result.copies).toBe(2);
    const predictions = decodeSafetensors(await readArtifactFile(store, result.evaluation, predictionsFile)).tensors;
    const [labels, predicted] = ['labels', 'predicted'].map((name) => int32(predictions.get(name) as never));
    const { dataset: own } = await readAbout(store, result.evaluation, evaluationAboutSchema);
    const [train, test] = [await readRowDigests(store, own, 'train'), await readRowDigests(store, own, 'test')];
    const clean = [...(labels ?? [])]
      .map((label, row) => Number(label === predicted?.[row]))
      .filter((_, row) => !train?.source.includes(test?.source[row] ?? ''));
    expect(clean).toHaveLength(4);
    expect(result.top1).toBe(clean.reduce((sum, each) => sum + each, 0) / 4);
    expect(result).toMatchObject({ cleanTop1: result.top1, nearLeaks: null, embeddingLeaks: null });
  });

  it('has no accuracy where all are copies, but of all images, and the same of both where none is', async () => {
    const copied = await evaluated('all-copies', [0, 1, 2, 3]);
    expect(copied).toMatchObject({ copies: 4, top1: null, macroF1: null, knn: null, cleanTop1: null });
    expect(copied.allTop1).toBeGreaterThanOrEqual(0);
    const nothing = evaluationSchema.parse(await parsed(copied.evaluation, evaluationFile));
    expect(nothing).toMatchObject({ testImages: 0, geometry: { images: 0, recallAt1: null, uniformity: null } });
    const [found, said] = evaluationNotes(nothing).slice(-2);
    expect(found).toBe('4 of 4 test images leak, as duplicates of training images: 4 exact copies.');
    expect(said).toMatch(/^Nothing is left to measure without leaks; with them accuracy is [\d.]+\s% on 4 test images/);
    const clean = await evaluated('clean', [100, 101, 102, 103]);
    expect(clean).toMatchObject({ copies: 0, cleanTop1: clean.top1, allTop1: clean.top1 });
  });
});
