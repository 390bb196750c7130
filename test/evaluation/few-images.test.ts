import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { type Evaluation, evaluationFile, evaluationSchema } from '../../contracts/evaluation.ts';
import { evaluateParameters } from '../../contracts/kinds/evaluate.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { retrievalParameters } from '../../contracts/kinds/retrieval.ts';
import { type Retrieval, retrievalFile, retrievalSchema } from '../../contracts/retrieval.ts';
import { describeDataset, randomDraws } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { createDatasetWriter, type GivenImage, type WrittenDataset } from '../../pipelines/dataset.ts';
import { evaluationNotes } from '../../report/evaluation-notes.ts';
import { formatRetrieval } from '../../report/markdown/retrieval.ts';
import { openStore, readArtifactJson } from '../../store/index.ts';
import { openRun, trainEpochs } from '../training/run.ts';

/** 1,000 classes of two images, as a shop has them: chance leaves classes without a training image, and most without a test image. */
const classes = Array.from({ length: 1000 }, (_, label) => `product-${label}`);

function* images(): Generator<GivenImage> {
  for (const [label, name] of classes.entries())
    for (const picture of [0, 1]) {
      const [own, noise] = [randomDraws(0, 'class', label), randomDraws(0, 'noise', label, picture)];
      const pixels = Uint8Array.from({ length: 64 }, (_, at) => 0.75 * (own(at) >>> 24) + 0.25 * (noise(at) >>> 24));
      yield { class: name, name: `${name}-${picture}`, pixels, height: 8, width: 8, channels: 1 };
    }
}

let folder = '';
let written: WrittenDataset;
let dataset: ArtifactRef;
let perClass: Record<'train' | 'test', readonly number[]>;
let evaluation: Evaluation;
let retrieval: Retrieval;
let steps = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-few-'));
  const store = openStore(folder);
  const writer = createDatasetWriter(folder, { classes, fit: 'resize' });
  await writer.addAll(images());
  written = await writer.finish();
  dataset = { kind: 'dataset', digest: written.digest };
  const { splits } = await describeDataset(store, dataset);
  perClass = { train: splits.train.perClass, test: splits.test.perClass };

  const key = { run: 'few-images', step: 'measure' };
  const context = { store, key, stopRequested: () => false, progress: () => {} };
  const config = {
    encoder: { name: 'small-resnet', channels: 4, blocks: [1] },
    projection: { hidden: 8, output: 8 },
    sampler: { balanced: { perClass: 2 } },
    batch: 64,
    epochs: 1,
  };
  const training = openRun({
    ...{ store, run: key.run, dataset, config },
    progress: ({ phase, total }) => {
      if (phase === 'epoch 1') steps = total;
    },
  });
  const { made } = await trainEpochs(training, 1);
  const on = { ...key, encoder: made.encoder, dataset };
  const { classifier } = await stepJobs['linear-probe'](
    { ...on, parameters: linearProbeParameters.parse({ epochs: 1, learningRates: [0.1] }) },
    context,
  );
  const evaluated = await stepJobs.evaluate({ ...on, classifier, parameters: evaluateParameters.parse({}) }, context);
  evaluation = await readArtifactJson(store, evaluated.evaluation, evaluationFile, evaluationSchema);
  const searched = await stepJobs.retrieval({ ...on, parameters: retrievalParameters.parse({}) }, context);
  retrieval = await readArtifactJson(store, searched.retrieval, retrievalFile, retrievalSchema);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const classesWith = (split: 'train' | 'test', images: number) =>
  classes.filter((_, label) => perClass[split][label] === images).length;

describe('1,000 classes of two images', () => {
  it('are warned of in four sentences, each with how many classes it is about and the first of them', () => {
    expect(written.warnings).toHaveLength(4);
    expect(written.warnings.join('\n')).toContain(
      `No training image of ${classesWith('train', 0)} of 1\u202f000 classes`,
    );
    expect(written.warnings.join('\n')).toContain(
      `One training image of ${classesWith('train', 1)} of 1\u202f000 classes`,
    );
    expect(written.warnings.join('\n')).toContain(`No test image of ${classesWith('test', 0)} of 1\u202f000 classes`);
    for (const warning of written.warnings) expect(warning.length).toBeLessThan(300);
  });

  it('are trained in balanced batches, without the classes that have no training image', () => {
    expect(classesWith('train', 0)).toBeGreaterThan(20);
    expect(steps).toBe(Math.floor(written.counts.train / 64));
  });

  it('are measured on all test images, and it is said how many of them no classifier can name', () => {
    const unnamed = perClass.test.filter((_, label) => perClass.train[label] === 0);
    const images = unnamed.reduce((sum, count) => sum + count, 0);
    const untrained = { images, classes: unnamed.filter((count) => count > 0).length };
    expect(images).toBeGreaterThan(20);
    expect(evaluation.untrained).toEqual(untrained);
    expect(evaluation.testImages).toBe(written.counts.test);
    expect(evaluationNotes(evaluation).join('\n')).toContain(
      `${images} of ${written.counts.test} test images are of ${untrained.classes} classes without a training image`,
    );
  });

  it('are searched for those test images that are not alone in their class, among all of them', () => {
    const queries = 2 * classesWith('test', 2);
    expect(queries).toBeGreaterThan(20);
    expect([retrieval.queries, retrieval.images]).toEqual([queries, written.counts.test]);
    expect(retrieval.verification.pairs.same).toBe(queries / 2);
    expect(formatRetrieval(retrieval)).toContain(
      `no other of their class in the gallery: ${written.counts.test - queries} images`,
    );
  });
});
