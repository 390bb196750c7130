/**
 * Pictures of which some are in the training images and, as they are, compressed anew, brighter or enlarged, among those that are measured on:
 * of trained classes and of classes that were held out. They are found by an inspection, and kept out of what is measured.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArtifactRef, type DatasetAbout, type SplitName, splitOf } from '../../contracts/artifacts.ts';
import { type Evaluation, evaluationFile, evaluationSchema, predictionsFile } from '../../contracts/evaluation.ts';
import { inspectionFile, inspectionSchema } from '../../contracts/inspection.ts';
import { evaluateParameters } from '../../contracts/kinds/evaluate.ts';
import { inspectDataParameters } from '../../contracts/kinds/inspect-data.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { retrievalParameters } from '../../contracts/kinds/retrieval.ts';
import { modelVersionSchema } from '../../contracts/models.ts';
import { queriesFile, retrievalFile, retrievalSchema } from '../../contracts/retrieval.ts';
import { holdOutClasses } from '../../datasets/held-out-classes.ts';
import { adoptDataset, describeDataset, readRowFacts } from '../../datasets/index.ts';
import { onNewImages } from '../../evaluation/comparison/new-images.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { inspectedLeaks } from '../../evaluation/inspection/leaks.ts';
import { candidateOf } from '../../evaluation/promotion/candidate.ts';
import { judge } from '../../evaluation/promotion/judge.ts';
import { createDatasetWriter, type GivenImage } from '../../pipelines/dataset.ts';
import { evaluationNotes } from '../../report/evaluation-notes.ts';
import { loadPictures, sheetOf } from '../../report/pictures.ts';
import { retrievalNotes } from '../../report/retrieval-notes.ts';
import { emptyArtifact, openStore, readArtifactJson, type Store } from '../../store/index.ts';
import { complete } from '../report/complete.ts';
import { openRun, trainEpochs } from '../training/run.ts';
import { numbersIn } from './numbers-in.ts';
import { greyOf, pictureOf, spots } from './spots.ts';

const key = { run: 'leaking', step: 'measure' };
const context = () => ({ store, key, stopRequested: () => false, progress: () => {} });
const names = Array.from({ length: 8 }, (_, index) => `kind-${index}`);

let folder = '';
let store: Store;
let dataset: ArtifactRef;
let about: DatasetAbout;
let encoder: ArtifactRef;
let classifier: ArtifactRef;
let inspection: ArtifactRef;
/** The names of the images that leak, by split. */
const planted: Record<string, Record<string, string>> = {
  test: { 'copy.png': 'exact', 'compressed.jpg': 'near', 'brighter.png': 'near' },
  unseenTest: { 'enlarged.png': 'near', 'another.png': 'exact' },
};

/** Spots on one side more than on the others, which is that of the class. */
const blobs = (kind: number, number: number) => spots(['leaking', kind, number], { from: 4 * kind - 2, width: 8 });

/** A data set whose last class is held out for the test. @param withLeaks whether the images that leak are in it */
async function written(name: string, withLeaks: boolean): Promise<ArtifactRef> {
  const output = join(folder, name);
  await mkdir(output);
  const split = { by: 'class', test: 0.3, validation: 0, seed: 9 } as const;
  const writer = createDatasetWriter(output, { classes: names, split, validation: 0, test: 0.3, channels: 1 });
  const add = (image: Pick<GivenImage, 'class' | 'name'> & { pixels: Uint8Array; split?: 'train' | 'test' }) =>
    writer.add({ ...image, height: 32, width: 32, channels: 1 } as GivenImage);
  const { classes } = holdOutClasses(names, split);
  for (const [kind, of] of names.entries())
    for (let number = 0; number < 24; number++) {
      const image = { class: of, name: `${of}/${number}.png`, pixels: blobs(kind, number) };
      await add(classes.indexOf(of) < classes.length - 2 ? { ...image, split: number < 16 ? 'train' : 'test' } : image);
    }
  if (withLeaks) {
    const [first = '', last = ''] = [classes[0], classes.at(-1)];
    const [a, b] = [blobs(names.indexOf(first), 1), blobs(names.indexOf(first), 2)];
    await add({ class: first, split: 'test', name: 'copy.png', pixels: a });
    const compressed = sharp(await pictureOf(a).jpeg({ quality: 60 }).toBuffer());
    await add({ class: first, split: 'test', name: 'compressed.jpg', pixels: await greyOf(compressed) });
    await add({ class: first, split: 'test', name: 'brighter.png', pixels: await greyOf(pictureOf(b).linear(1.1, 8)) });
    const enlarged = sharp(await pictureOf(b).resize(96, 96).png().toBuffer()).resize(32, 32);
    await add({ class: last, name: 'enlarged.png', pixels: await greyOf(enlarged) });
    await add({ class: last, name: 'another.png', pixels: a });
  }
  await writer.finish();
  return (await adoptDataset(store, output, {})).ref;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-leaks-'));
  store = openStore(join(folder, 'store'));
  dataset = await written('leaking', true);
  about = await describeDataset(store, dataset);
  const config = {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1] },
    projection: { hidden: 16, output: 8 },
    optimizer: { name: 'adam', learningRate: 0.01 },
    batch: 32,
    epochs: 1,
  };
  ({ encoder } = (await trainEpochs(openRun({ store, run: 'leaking', dataset, config }), 1)).made);
  const parameters = linearProbeParameters.parse({ epochs: 30, learningRates: [0.1] });
  ({ classifier } = await stepJobs['linear-probe']({ ...key, encoder, dataset, parameters }, context()));
  inspection = (await inspect(dataset)).inspection;
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const inspect = (of: ArtifactRef, params: object = {}, by?: ArtifactRef) =>
  stepJobs['inspect-data'](
    {
      ...key,
      dataset: of,
      ...(by ? { encoder: by } : {}),
      parameters: inspectDataParameters.parse({ folds: 2, epochs: 1, ...params }),
    },
    context(),
  );

async function evaluated(params: object = {}, by: ArtifactRef | null = inspection, of = dataset) {
  const parameters = evaluateParameters.parse({ neighbours: [5], ...params });
  const input = { ...key, classifier, encoder, dataset: of, parameters, ...(by ? { inspection: by } : {}) };
  const result = await stepJobs.evaluate(input, context());
  const found = await readArtifactJson(store, result.evaluation, evaluationFile, evaluationSchema);
  return { result, found, numbers: await numbersIn(store, result.evaluation, predictionsFile) };
}

/** The name of a row. */
const namesOf = async (split: SplitName) => (await readRowFacts(store, dataset, split))?.map(({ name }) => name) ?? [];

describe('an inspection', () => {
  it.each(['test', 'unseenTest'] as const)(
    'keeps every image of %s that leaks, with the image of train',
    async (split) => {
      const { leaks, kinds, partly } = await inspectedLeaks(store, inspection, dataset, split);
      const [own, train] = [await namesOf(split), await namesOf('train')];
      expect(Object.fromEntries([...leaks].map(([row, { kind }]) => [own[row], kind]))).toEqual(planted[split]);
      for (const [row, { trainRow }] of leaks)
        expect(train[trainRow]).toMatch(/brighter|enlarged/.test(own[row] ?? '') ? /\/2\.png$/ : /\/1\.png$/);
      expect({ kinds, partly }).toEqual({ kinds: ['exact', 'near'], partly: false });
    },
  );

  it('counts images of classes that were held out as leaks, and these classes not among the small ones', async () => {
    const result = await inspect(dataset);
    expect(result.leaks).toBe(5);
    const { balance } = await readArtifactJson(store, result.inspection, inspectionFile, inspectionSchema);
    expect(about.classes.slice(0, about.trainedClasses)).toContain(balance.smallest.class);
    expect(balance).toMatchObject({ small: 0, smallest: { images: 16 } });
    expect(result.largestToSmallest).toBe(balance.largest.images / 16);
  });
});

describe('evaluate', () => {
  let told: Awaited<ReturnType<typeof evaluated>>;
  beforeAll(async () => {
    told = await evaluated();
  });

  it('leaves out of all measures what leaks, and says what they are with it', async () => {
    const { result, found, numbers } = told;
    const { count } = about.splits.test;
    const own = await namesOf('test');
    const [labels, predicted] = [numbers('labels'), numbers('predicted')];
    const leaking = Object.keys(planted.test ?? {}).map((name) => own.indexOf(name));
    const hits = (rows: readonly number[]) => rows.filter((row) => labels[row] === predicted[row]).length / rows.length;
    const all = [...labels.keys()];
    const clean = all.filter((row) => !leaking.includes(row));
    expect(found).toMatchObject({ testImages: count - 3, top1: hits(clean) });
    expect(found.all).toMatchObject({ images: count, top1: hits(all) });
    expect(found.clean).toMatchObject({ images: count - 3, top1: hits(clean), macroF1: found.macroF1 });
    expect(result).toMatchObject({
      top1: hits(clean),
      allTop1: hits(all),
      cleanTop1: hits(clean),
      copies: 1,
      nearLeaks: 2,
      embeddingLeaks: null,
    });
    const cells = found.confusion.cells.reduce((sum, [, , images]) => sum + images, 0);
    expect(cells).toBe(count - 3);
    expect(found.perClass.reduce((sum, { support }) => sum + support, 0)).toBe(count - 3);
    expect(found.geometry.images).toBe(count - 3);
    // Rows are still those of the split.
    for (const { row, label } of found.worst ?? []) {
      expect(leaking).not.toContain(row);
      expect(labels[row]).toBe(label);
    }
    expect(found.worst?.length).toBe(clean.filter((row) => labels[row] !== predicted[row]).length);
    expect(
      [...numbers('leftOut')]
        .map((code, row) => [own[row], code])
        .filter(([, code]) => code !== 0)
        .sort(),
    ).toEqual([
      ['brighter.png', 2],
      ['compressed.jpg', 2],
      ['copy.png', 1],
    ]);
    expect(evaluationNotes(found).join(' ')).toContain(
      `3 of ${count} test images leak, as duplicates of training images: 1 exact copy, 2 near duplicates. All measures are without leaks: with them accuracy is`,
    );
  });

  it('keeps the test images that leak beside what they show, for people to see', () => {
    const pairs = told.found.leaks?.pairs.map(({ kind, a, b }) => [kind, a.name, a.split, b.name, b.split]);
    const first = about.classes[0];
    expect(pairs?.sort()).toEqual([
      ['exact', 'copy.png', 'test', `${first}/1.png`, 'train'],
      ['near', 'brighter.png', 'test', `${first}/2.png`, 'train'],
      ['near', 'compressed.jpg', 'test', `${first}/1.png`, 'train'],
    ]);
  });

  it('has pictures of both in the report', async () => {
    const [any] = complete.evaluations;
    if (!any) throw new Error('there is an evaluation');
    const own = { ...any, dataset: dataset.digest, evaluation: told.found, map: null };
    const report = { ...complete, data: [], inspections: [], evaluations: [own] };
    const pictures = await loadPictures(store, report, (problem) => expect.fail(problem));
    expect(told.found.leaks?.pairs).toHaveLength(3);
    for (const { a, b } of told.found.leaks?.pairs ?? [])
      for (const { split, row } of [a, b])
        expect(pictures.get(sheetOf(dataset.digest, split))?.placeOf.has(row)).toBe(true);
  });

  it('keeps them among the measures where it is asked to, and says what they are without', async () => {
    const kept = await evaluated({ leaks: 'keep' });
    const { all, clean } = told.found;
    expect(kept.found).toMatchObject({ testImages: about.splits.test.count, top1: all?.top1, all, clean });
    expect(kept.result).toMatchObject({ top1: told.result.allTop1, cleanTop1: told.result.cleanTop1, nearLeaks: 2 });
    expect([...kept.numbers('leftOut')].every((code) => code === 0)).toBe(true);
    expect(evaluationNotes(kept.found).join(' ')).toContain('All measures are with leaks: without them accuracy is');
  });

  it('knows exact copies without an inspection, and no others', async () => {
    const { result, found } = await evaluated({}, null);
    expect(result).toMatchObject({ copies: 1, nearLeaks: null, embeddingLeaks: null });
    expect(found.testImages).toBe(about.splits.test.count - 1);
    expect(found.leaks?.pairs).toMatchObject([{ kind: 'exact', a: { name: 'copy.png' }, b: { split: 'train' } }]);
  });

  it('counts what only an encoder takes for a training image apart', async () => {
    const { inspection: byEncoder } = await inspect(dataset, { cosine: 0 }, encoder);
    const { result, found } = await evaluated({}, byEncoder);
    const { copies, nearLeaks, embeddingLeaks } = result;
    expect([copies, nearLeaks]).toEqual([1, 2]);
    expect(embeddingLeaks).toBeGreaterThan(0);
    expect(found.testImages).toBe(about.splits.test.count - 3 - (embeddingLeaks ?? 0));
  });

  it('says that more may leak where the inspection looked at some of the images', async () => {
    const { inspection: some } = await inspect(dataset, { images: 10 });
    const { found } = await evaluated({}, some);
    expect(found.leaks?.partly).toBe(true);
    expect(evaluationNotes(found).at(-1)).toBe('The inspection looked at some of the images only, so more may leak.');
  });

  it('refuses an inspection of another data set', async () => {
    const other = await written('clean', false);
    const { inspection: ofOther } = await inspect(other);
    await expect(evaluated({}, ofOther)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining(`The inspection is of the data set ${other.digest}`),
    });
  });
});

describe('a comparison', () => {
  it('is on the test images that neither evaluation leaves out', async () => {
    const stored = async (name: string, of: ReturnType<typeof evaluated>) => {
      const { result, found } = await of;
      return { name, ref: result.evaluation as ArtifactRef, evaluation: found };
    };
    const [told, untold] = [await stored('told', evaluated()), await stored('untold', evaluated({}, null))];
    const { evaluations, notes } = await onNewImages(store, told, untold);
    const testImages = about.splits.test.count - 3;
    expect(evaluations.map((each: Evaluation) => each.testImages)).toEqual([testImages, testImages]);
    expect(evaluations[1].top1).toBe(told.evaluation.top1);
    expect(notes.at(-1)).toContain('2 others are duplicates of training images');
    expect((await onNewImages(store, told, told)).evaluations).toEqual([told.evaluation, told.evaluation]);
  });

  it('says why it is not possible where one leaves images out, and the other kept no answers to take them out of', async () => {
    const { result, found } = await evaluated();
    const told = { name: 'told', ref: result.evaluation as ArtifactRef, evaluation: found };
    const { result: of, found: all } = await evaluated({ leaks: 'keep' }, null);
    const ref = of.evaluation as ArtifactRef;
    await emptyArtifact(store, ref, { files: [predictionsFile], at: new Date().toISOString() });
    const untold = { name: 'untold', ref, evaluation: all };
    await expect(onNewImages(store, told, untold)).rejects.toMatchObject({
      code: 'InvalidInput',
      message:
        'The two evaluations cannot be compared on the same test images: that of told leaves out 3 test images, and the evaluation of untold keeps no single answers, because it is of an earlier version or an image was forgotten. Evaluate untold again.',
    });
    const { notes } = await onNewImages(store, untold, untold);
    expect(notes.join(' ')).toContain('1 of ');
    expect(notes.join(' ')).toContain(
      'is compared all the same: the evaluation of untold and that of untold keep no single answers',
    );
  });
});

describe('a promotion', () => {
  it('is judged on the test images that neither evaluation leaves out', async () => {
    const [after, before] = [await evaluated({}, null), await evaluated()];
    const of = (run: string, { result }: typeof after) =>
      candidateOf(store, { run, step: 'promote' }, result.evaluation);
    const current = modelVersionSchema.parse({
      ...(await of('before', before)),
      format: 'contrail-model/1',
      model: 'spots',
      version: 1,
      reason: 'the first model of this name',
      promotedAt: '2026-11-24T12:00:00.000Z',
    });
    const judged = await judge(store, await of('after', after), current, {
      metric: 'top1',
      margin: 0,
      minimumImages: 10,
      unknownOverlap: false,
      measureAgain: () => Promise.reject(new Error('both are of the same test images')),
    });
    expect(judged).toMatchObject({ images: about.splits.test.count - 3, seen: 3 });
    expect(judged.after).toBe(before.result.top1);
    expect(judged.after).toBe(judged.before);
  });
});

describe('retrieval', () => {
  const search = async (params: object, by: ArtifactRef | null) => {
    const parameters = retrievalParameters.parse(params);
    const result = await stepJobs.retrieval(
      { ...key, encoder, dataset, parameters, ...(by ? { inspection: by } : {}) },
      context(),
    );
    const found = await readArtifactJson(store, result.retrieval, retrievalFile, retrievalSchema);
    return { result, found, numbers: await numbersIn(store, result.retrieval, queriesFile) };
  };

  it('leaves out queries that leak, also of classes that were held out', async () => {
    const { result, found, numbers } = await search({}, inspection);
    const { count } = splitOf(about, 'unseenTest');
    expect(result).toMatchObject({ queries: count - 2, copies: 1, nearLeaks: 1, embeddingLeaks: null });
    const [leftOut, first] = [numbers('leftOut'), numbers('first')];
    const own = await namesOf('unseenTest');
    const rows = [...numbers('rows')];
    expect(
      rows
        .filter((_, at) => leftOut[at] !== 0)
        .map((row) => own[row])
        .sort(),
    ).toEqual(['another.png', 'enlarged.png']);
    const recallOf = (places: readonly number[]) => places.filter((at) => first[at] === 1).length / places.length;
    const all = [...rows.keys()];
    expect(result.allRecallAt1).toBeCloseTo(recallOf(all), 12);
    expect(result.recallAt1).toBeCloseTo(recallOf(all.filter((at) => leftOut[at] === 0)), 12);
    expect(result.cleanRecallAt1).toBe(result.recallAt1);
    expect(retrievalNotes(found).join(' ')).toContain(
      `2 of ${count} queries leak, as duplicates of training images or exact copies in the gallery: 1 exact copy, 1 near duplicate. All measures are without leaks: with them recall at 1 is`,
    );
  });

  it('keeps them where it is asked to, and knows exact copies alone without an inspection', async () => {
    const { count } = splitOf(about, 'unseenTest');
    const kept = await search({ leaks: 'keep' }, inspection);
    expect(kept.result).toMatchObject({ queries: count, recallAt1: kept.result.allRecallAt1, nearLeaks: 1 });
    const untold = await search({}, null);
    expect(untold.result).toMatchObject({ queries: count - 1, copies: 1, nearLeaks: null });
  });
});
