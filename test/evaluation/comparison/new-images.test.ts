import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { evaluationFile, evaluationSchema } from '../../../contracts/evaluation.ts';
import { describeDataset, readRowDigests } from '../../../datasets/index.ts';
import { commonImages, sameTestImages } from '../../../evaluation/comparison/common-images.ts';
import { imageAnswers } from '../../../evaluation/comparison/image-answers.ts';
import { measureOn } from '../../../evaluation/comparison/image-measures.ts';
import { onNewImages } from '../../../evaluation/comparison/new-images.ts';
import { newRows } from '../../../evaluation/comparison/new-rows.ts';
import { copiesOfTraining } from '../../../evaluation/copies.ts';
import { commonImagesSection } from '../../../report/page/sections/common-images.ts';
import { openStore, readArtifactJson } from '../../../store/index.ts';
import { classes, hash, modelsIn, preparedTwice } from '../models.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-new-images-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const store = openStore(folder);
const { modelOn, evaluated, reportedAs } = modelsIn(store);
const [split, otherSplit] = await preparedTwice(store, folder);

it('test images that are copies of training images are found by what they show', async () => {
  const { encoder } = await modelOn(otherSplit, 'old');
  const copiesBy = (trained: ArtifactRef) =>
    copiesOfTraining(store, { dataset: split, encoder: trained, classifierDataset: split }, ['test']);
  const [copies] = await copiesBy(encoder);
  const { splits } = await describeDataset(store, split);
  expect(copies?.size).toBeGreaterThan(splits.test.count / 3);
  expect(copies?.size).toBeLessThan(splits.test.count);
  const own = await modelOn(split, 'own');
  expect(await copiesBy(own.encoder)).toEqual([new Set()]);
});

describe('runs that were measured on different test images', () => {
  it('are compared on those that they have in common, and that no model has seen', async () => {
    const [one, two] = [split, otherSplit];
    const evaluations = [
      await reportedAs('run-1', one, await evaluated(await modelOn(one, 'one'), one, 4)),
      await reportedAs('run-2', two, await evaluated(await modelOn(two, 'two'), two, 9)),
    ];
    expect(await sameTestImages(store, evaluations)).toBe(false);
    const found = await commonImages(store, evaluations);
    const [ofOne, ofTwo] = [await readRowDigests(store, one, 'test'), await readRowDigests(store, two, 'test')];
    const common = ofOne?.source.filter((image) => ofTwo?.source.includes(image)).length ?? 0;
    // What is in the test split of both was trained on by neither.
    expect(found).toMatchObject({ common, fresh: common, problem: null });
    expect(found.arms.map(({ arm }) => arm)).toEqual(['run-1', 'run-2']);
    expect(found.difference?.value).toBeCloseTo(
      (found.arms[0]?.values.top1 ?? 0) - (found.arms[1]?.values.top1 ?? 0),
      12,
    );
    const text = String(commonImagesSection(found, []).body) + commonImagesSection(found, []).lead;
    expect(text).toContain(`different test images; ${common} images are in the test set of each`);
  });

  it('are not compared where a data set is gone', async () => {
    const one = split;
    const own = await reportedAs('run-1', one, await evaluated(await modelOn(one, 'one'), one, 4));
    const gone = { ...own, arm: 'run-2', dataset: hash('f') };
    expect(await sameTestImages(store, [own, gone])).toBe(false);
    expect((await commonImages(store, [own, gone])).problem).toContain('not known which test images');
  });
});

it('arms of a comparison are compared without the images that one of them has seen', async () => {
  const [one, two] = [split, otherSplit];
  const [here, elsewhere] = [await modelOn(one, 'here'), await modelOn(two, 'elsewhere')];
  const stored = async (name: string, ref: ArtifactRef) => ({
    name,
    ref,
    evaluation: await readArtifactJson(store, ref, evaluationFile, evaluationSchema),
  });
  const a = await stored('a', await evaluated(here, one, 4));
  const { splits } = await describeDataset(store, one);
  const { rows, seen } = await newRows(store, one, splits.test.count, [{ name: 'b', ...elsewhere }]);
  const found = await onNewImages(store, a, await stored('b', await evaluated(elsewhere, one, 9)));
  expect(found.notes[0]).toContain(`${seen} of ${splits.test.count} test images were seen by a or b`);
  expect(found.evaluations[0].testImages).toBe(rows.length);
  const answers = await imageAnswers(store, a.ref);
  expect(found.evaluations[0].top1).toBe(answers && measureOn(answers, rows, 'top1', classes));
  const alike = await onNewImages(store, a, await stored('c', await evaluated(await modelOn(one, 'c'), one, 3)));
  expect(alike).toMatchObject({ notes: [], evaluations: [{ testImages: splits.test.count }, {}] });
});
