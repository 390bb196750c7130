import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { modelsPromoteCommand } from '../../../cli/commands/models/promote.ts';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { classifierFile, evaluationFile, evaluationSchema, predictionsFile } from '../../../contracts/evaluation.ts';
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import type { Candidate, ModelVersion } from '../../../contracts/models.ts';
import { createDatasetWriter } from '../../../datasets/dataset-writer.ts';
import {
  adoptDataset,
  describeDataset,
  openSplit,
  prepareDataset,
  randomUint32,
  readRowDigests,
} from '../../../datasets/index.ts';
import { commonImages, sameTestImages } from '../../../evaluation/comparison/common-images.ts';
import { imageAnswers } from '../../../evaluation/comparison/image-answers.ts';
import { differenceOn, measureOn, pairedInterval } from '../../../evaluation/comparison/image-measures.ts';
import { onNewImages } from '../../../evaluation/comparison/new-images.ts';
import { newRows } from '../../../evaluation/comparison/new-rows.ts';
import { copiesOfTraining } from '../../../evaluation/copies.ts';
import { confusionMatrix, macroF1, perClassMetrics } from '../../../evaluation/metrics/classification.ts';
import { candidateOf } from '../../../evaluation/promotion/candidate.ts';
import { judge, type Terms } from '../../../evaluation/promotion/judge.ts';
import { parsePipeline } from '../../../pipelines/language/index.ts';
import { commonImagesSection } from '../../../report/page/sections/common-images.ts';
import {
  bytesOf,
  encodeSafetensors,
  jsonBytes,
  openStore,
  readArtifactJson,
  savePlan,
  saveStepResult,
  writeArtifact,
} from '../../../store/index.ts';
import { complete } from '../../report/complete.ts';

const pipeline = `name: p
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data], with: { encoder: small-resnet, epochs: 1 } }
  probe: { uses: linear-probe, needs: [pretrain] }
  evaluate: { uses: evaluate, needs: [probe] }
`;
const classes = 8;
const names = Array.from({ length: classes }, (_, label) => String(label));

const folder = await mkdtemp(join(tmpdir(), 'contrail-judge-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
afterAll(() => vi.unstubAllEnvs());
const store = openStore(folder);

/** The same 400 images, split in two ways. */
const [split, otherSplit] = await preparedTwice();

async function preparedTwice(): Promise<readonly [ArtifactRef, ArtifactRef]> {
  for (let image = 0; image < 400; image++) {
    const pixels = Uint8Array.from({ length: 64 }, (_, at) => randomUint32(7, 'image', image, at));
    const path = join(folder, 'images', `class-${image % classes}`, `${image}.png`);
    await mkdir(dirname(path), { recursive: true });
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toFile(path);
  }
  const prepare = async (seed: number) => {
    const params = { dataset: 'image-folder', path: join(folder, 'images'), seed, test: 0.3 };
    return (await prepareDataset(store, prepareDataParameters.parse(params), { cacheFolder: folder })).ref;
  };
  return [await prepare(0), await prepare(1)];
}

const hash = (digit: string) => digit.repeat(64);

/** A model trained on one data set. */
async function modelOn(dataset: ArtifactRef, name: string, known = names) {
  const encoder = await writeArtifact(store, {
    kind: 'encoder',
    about: {
      encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
      dimension: 16,
      image: { height: 32, width: 32, channels: 1, mean: [0], deviation: [1] },
      dataset: dataset.digest,
      trainingState: hash('a'),
      epochs: 1,
      batchNormImages: 1,
    },
    files: [{ path: 'encoder.safetensors', content: jsonBytes(name) }],
  });
  const classifier = await writeArtifact(store, {
    kind: 'classifier',
    about: {
      classes: known,
      dimension: 16,
      encoder,
      dataset,
      learningRate: 0.1,
      epochs: 1,
      candidates: [],
    },
    files: [{ path: classifierFile, content: jsonBytes(name) }],
  });
  return { encoder, classifier };
}

/** What a model said of the test images: right but for one in `wrongEvery`. */
async function evaluated(
  model: Awaited<ReturnType<typeof modelOn>>,
  dataset: ArtifactRef,
  wrongEvery: number,
  called = names,
): Promise<ArtifactRef> {
  const test = await openSplit(store, dataset, 'test');
  const labels = await test.labels();
  await test.close();
  const isWrong = (row: number) => row % wrongEvery === 0;
  const predicted = labels.map((label, row) => (isWrong(row) ? (label + 1) % classes : label));
  const perClass = perClassMetrics(confusionMatrix(labels, predicted, classes));
  const [like] = complete.evaluations;
  if (!like) throw new Error('the complete report has evaluations');
  const { all: _, clean: __, leaks: ___, ...ofEarlierVersion } = like.evaluation;
  const i32 = (name: string, data: Int32Array) => ({
    name,
    dtype: 'I32' as const,
    shape: [data.length],
    data: bytesOf(data),
  });
  return writeArtifact(store, {
    kind: 'evaluation',
    about: { ...model, dataset },
    files: [
      {
        path: evaluationFile,
        content: jsonBytes(
          evaluationSchema.parse({
            ...ofEarlierVersion,
            classes: called,
            testImages: labels.length,
            top1: labels.filter((_, row) => !isWrong(row)).length / labels.length,
            macroF1: macroF1(perClass),
            perClass,
            confusion: confusionMatrix(labels, predicted, classes),
          }),
        ),
      },
      {
        path: predictionsFile,
        content: encodeSafetensors([
          i32('labels', labels),
          i32('predicted', predicted),
          i32(
            'rank',
            labels.map((_, row) => Number(isWrong(row))),
          ),
          i32('neighbours', predicted),
          {
            name: 'confidence',
            dtype: 'F32',
            shape: [labels.length],
            data: bytesOf(new Float32Array(labels.length).fill(0.9)),
          },
        ]),
      },
    ],
  });
}

/** An evaluation as a report has it. */
const reportedAs = async (arm: string, dataset: ArtifactRef, evaluation: ArtifactRef) => ({
  step: 'evaluate',
  arm,
  variant: '',
  dataset: dataset.digest,
  artifact: evaluation.digest,
  evaluation: await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema),
  map: null,
});

/** A data set of the same images, whose classes have some names, in the order of their numbers. */
async function writtenSet(called: readonly string[]): Promise<ArtifactRef> {
  const output = await mkdtemp(join(folder, 'written-'));
  const writer = createDatasetWriter(output, { classes: [...called], test: 0.3, channels: 1 });
  for (let image = 0; image < 200; image++) {
    const pixels = Uint8Array.from({ length: 1024 }, (_, at) => randomUint32(7, 'image', image, at % 64));
    const name = called[image % classes] ?? '';
    await writer.add({ pixels, height: 32, width: 32, channels: 1, class: name, name: `${image}` });
  }
  await writer.finish();
  return (await adoptDataset(store, output, {})).ref;
}

const versionOf = (candidate: Candidate): ModelVersion => ({
  ...candidate,
  format: 'contrail-model/1',
  model: 'shirts',
  version: 1,
  reason: 'the first model of this name',
  promotedAt: '2026-01-01T00:00:00.000Z',
});
const terms = (change: Partial<Terms> = {}): Terms => ({
  metric: 'top1',
  margin: 0,
  minimumImages: 30,
  unknownOverlap: false,
  measureAgain: async () => 'cannot be measured again',
  ...change,
});
const candidateFor = async (evaluation: ArtifactRef, run: string) =>
  candidateOf(store, { run, step: 'promote' }, evaluation);

/** What is judged of a new model beside version 1, of what each said of test images. */
const judged = async (before: ArtifactRef, after: ArtifactRef, change: Partial<Terms> = {}) =>
  judge(store, await candidateFor(after, 'b'), versionOf(await candidateFor(before, 'a')), terms(change));

describe('a candidate that is compared with the current model', () => {
  it('on the same split is compared on all its test images, with an interval', async () => {
    const [old, made] = [await modelOn(split, 'old'), await modelOn(split, 'new')];
    const [before, after] = [await evaluated(old, split, 5), await evaluated(made, split, 20)];
    const found = await judged(before, after);
    const { splits } = await describeDataset(store, split);
    expect(found).toMatchObject({ better: true, images: splits.test.count, seen: 0 });
    expect(found.interval?.[0]).toBeLessThan((found.after ?? 0) - (found.before ?? 0));
    expect(found.reason).toMatch(
      /on \d+ test images: \d+ images more, 95 % interval of the difference \+0\.\d+ to \+0\.\d+$/,
    );
  });

  it('is compared only on images that the current one has not seen, which was trained on another split', async () => {
    const [old, made] = [await modelOn(otherSplit, 'old'), await modelOn(split, 'new')];
    // The old model knows by heart what it was trained on; of the rest it gets one in two wrong.
    const ofOld = await evaluated(old, otherSplit, 2);
    const ofNew = await evaluated(made, split, 3);
    const again: number[] = [];
    const measureAgain = async ({ version }: ModelVersion, k: number) => {
      again.push(version, k);
      return evaluated(old, split, 2);
    };
    const found = await judged(ofOld, ofNew, { measureAgain, minimumImages: 10 });
    expect(again).toEqual([1, 20]);
    const { splits } = await describeDataset(store, split);
    const answers = await imageAnswers(store, ofNew);
    const { rows, seen } = await newRows(store, split, splits.test.count, [{ name: 'old', ...old }]);
    expect(seen).toBeGreaterThan(splits.test.count / 2);
    expect(found).toMatchObject({ images: rows.length, seen });
    expect(found.after).toBe(answers && measureOn(answers, rows, 'top1', classes));
    expect(found.reason).toContain(`that neither has seen (${seen} others were left out)`);
  });

  it('is refused where too few images are new to both, and says how many', async () => {
    const [old, made] = [await modelOn(otherSplit, 'old'), await modelOn(split, 'new')];
    const [ofOld, ofNew] = [await evaluated(old, otherSplit, 2), await evaluated(made, split, 9)];
    const found = await judged(ofOld, ofNew, { minimumImages: 10_000 });
    expect(found).toMatchObject({ better: false, images: null });
    expect(found.reason).toMatch(/^only \d+ of \d+ test images are new to both; .* At least 10000 are needed/);
  });

  it('that knows a new class is compared on all images, and without those of the class', async () => {
    const [old, made] = [await modelOn(split, 'old', names.slice(1)), await modelOn(split, 'new')];
    const [before, after] = [await evaluated(old, split, 5), await evaluated(made, split, 9)];
    const found = await judged(before, after);
    const answers = await Promise.all([after, before].map((each) => imageAnswers(store, each)));
    const labels = answers[0]?.labels ?? new Int32Array();
    const known = Int32Array.from(labels.keys()).filter((row) => labels[row] !== 0);
    const [own, others] = answers.map((each) => each && measureOn(each, known, 'top1', classes)?.toFixed(4));
    expect(found).toMatchObject({ better: true, images: labels.length });
    expect(found.reason).toContain(
      `. Without the ${labels.length - known.length} images of 0, which version 1 does not know: ${Number(own)} and ${Number(others)}`,
    );
  });

  it('is not compared with one that knows classes which it does not, and these are named', async () => {
    const known = [...names.slice(1), 'dress'];
    const [old, made] = [await modelOn(split, 'old', known), await modelOn(split, 'new')];
    const [before, after] = [await evaluated(old, otherSplit, 5), await evaluated(made, split, 9)];
    expect((await judged(before, after, { minimumImages: 10 })).reason).toBe(
      'the new model does not know a class of version 1 (gone: dress; new: 0), so they are not compared; only `force` promotes it',
    );
  });

  it('is not compared by kept answers, which are numbers, where the classes have changed places', async () => {
    // The same images and numbers, by the names the other way round: as where names were given wrong, and were put right.
    const turned = names.toReversed();
    const [named, renamed] = [await writtenSet(names), await writtenSet(turned)];
    const [old, made] = [await modelOn(named, 'old'), await modelOn(renamed, 'new', turned)];
    const ofOld = await evaluated(old, named, 20);
    const ofNew = await evaluated(made, renamed, 10, turned);
    const [before, after] = [await candidateFor(ofOld, 'a'), await candidateFor(ofNew, 'b')];
    expect(before.testSet).toBe(after.testSet);
    const measureAgain = async () => 'version 1 is measured again';
    expect(await judge(store, after, versionOf(before), terms({ measureAgain }))).toMatchObject({
      better: false,
      before: null,
      reason: 'version 1 is measured again',
    });
    const reported = [await reportedAs('run-1', named, ofOld), await reportedAs('run-2', renamed, ofNew)];
    expect(await sameTestImages(store, reported)).toBe(false);
  });

  it('that a person promotes by hand is told why it is not compared, and what to do', async () => {
    const [old, made] = [await modelOn(split, 'old'), await modelOn(otherSplit, 'new')];
    const run = async (id: string, evaluation: ArtifactRef) => {
      await savePlan(store, id, parsePipeline({ text: pipeline, file: 'p.yaml' }));
      await saveStepResult(store, { run: id, step: 'evaluate' }, { fingerprint: '{}', result: { evaluation } });
    };
    await run('first', await evaluated(old, split, 5));
    await run('second', await evaluated(made, otherSplit, 9));
    vi.stubEnv('CONTRAIL_STORE', folder);
    const promote = (id: string, force = false) =>
      modelsPromoteCommand(id, {
        ...{ model: 'coats', metric: 'top1', margin: 0, minimumImages: 1, unknownOverlap: false, force, json: false },
      });
    await promote('first');
    await expect(promote('second')).rejects.toThrow(
      'coats stays as it is: version 1 was measured on other test images. This command measures nothing: a promote step in a pipeline measures version 1 again, on the new test images. `contrail compare second first` shows both on those that they have in common. --force promotes all the same.',
    );
    expect(await promote('second', true)).toBe(0);
  });

  it('is refused where it is not known what the current one has seen, unless that is accepted', async () => {
    const gone = { kind: 'dataset', digest: hash('f') } as const;
    const [old, made] = [await modelOn(gone, 'old'), await modelOn(split, 'new')];
    const [ofOld, ofNew] = [await evaluated(old, split, 5), await evaluated(made, split, 20)];
    const found = await judged(ofOld, ofNew);
    expect(found).toMatchObject({ better: false, images: null });
    expect(found.reason).toContain('It is not known which of the test images version 1 has seen');
    const accepted = await judged(ofOld, ofNew, { unknownOverlap: true });
    expect(accepted).toMatchObject({ better: true });
    expect(accepted.reason).toContain('of which some may have been used to train one of them');
  });

  it('is not compared by what was not measured, nor with itself', async () => {
    const model = await modelOn(split, 'one');
    const evaluation = await evaluated(model, split, 5);
    const candidate = await candidateFor(evaluation, 'a');
    expect(await judge(store, candidate, versionOf(candidate), terms())).toMatchObject({
      better: false,
      reason: 'it is version 1 already',
    });
    const other = await candidateFor(await evaluated(model, split, 7), 'b');
    const unmeasured = { ...other, metrics: { ...other.metrics, top5: null } };
    expect(await judge(store, unmeasured, versionOf(candidate), terms({ metric: 'top5' }))).toMatchObject({
      better: false,
      reason: 'top5 was not measured of the new model',
    });
  });
});

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

describe('the interval of a difference', () => {
  it('is that of Newcombe for paired shares', () => {
    // Newcombe 1998 (Statistics in Medicine 17, 2635), table II, method 10.
    const [low, high] = pairedInterval({ both: 36, onlyAfter: 12, onlyBefore: 2, neither: 0 });
    expect(low).toBeCloseTo(0.0569, 3);
    expect(high).toBeCloseTo(0.3404, 3);
  });

  it('holds the difference, lies within -1 and 1, and turns with the models', () => {
    const count = fc.nat(40);
    fc.assert(
      fc.property(count, count, count, count, (both, onlyAfter, onlyBefore, neither) => {
        fc.pre(both + onlyAfter + onlyBefore + neither > 0);
        const difference = (onlyAfter - onlyBefore) / (both + onlyAfter + onlyBefore + neither);
        const [low, high] = pairedInterval({ both, onlyAfter, onlyBefore, neither });
        expect(low).toBeLessThanOrEqual(difference + 1e-12);
        expect(high).toBeGreaterThanOrEqual(difference - 1e-12);
        expect([low >= -1 - 1e-12, high <= 1 + 1e-12]).toEqual([true, true]);
        const turned = pairedInterval({ both, onlyAfter: onlyBefore, onlyBefore: onlyAfter, neither });
        expect(turned[0]).toBeCloseTo(-high, 12);
        expect(turned[1]).toBeCloseTo(-low, 12);
      }),
    );
  });

  it('of macro F1 is the same each time, and holds the difference', async () => {
    const labels = Int32Array.from({ length: 200 }, (_, row) => row % 4);
    const answers = (wrongEvery: number) => ({
      labels,
      predicted: labels.map((label, row) => (row % wrongEvery === 0 ? (label + 1) % 4 : label)),
      confidence: labels,
      rank: labels,
      neighbours: null,
      isLeftOut: () => false,
    });
    const rows = Int32Array.from(labels, (_, row) => row);
    const compare = () => differenceOn(answers(9), answers(5), rows, 'macroF1', 4);
    const found = await compare();
    expect(found).toEqual(await compare());
    const [low, high] = found?.interval ?? [1, -1];
    const difference = (found?.after ?? 0) - (found?.before ?? 0);
    expect(low).toBeLessThan(difference);
    expect(high).toBeGreaterThan(difference);
    expect(high - low).toBeGreaterThan(0.05);
    expect(high - low).toBeLessThan(0.3);
  });
});
