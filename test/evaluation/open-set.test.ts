/**
 * Products that nobody trained on, photographed by two shops: written as a data set, an encoder trained on the other classes for an
 * epoch, and what a search finds. Some images are exact copies of others.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArtifactRef, type DatasetAbout, splitOf } from '../../contracts/artifacts.ts';
import { classifierAboutSchema, evaluationFile, evaluationSchema } from '../../contracts/evaluation.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { retrievalParameters } from '../../contracts/kinds/retrieval.ts';
import { queriesFile, retrievalFile, retrievalSchema, searchText } from '../../contracts/retrieval.ts';
import { trainerJobs } from '../../contracts/trainer.ts';
import { holdOutClasses } from '../../datasets/held-out-classes.ts';
import { adoptDataset, describeDataset, randomDraws, readRowFacts } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { candidateOf } from '../../evaluation/promotion/candidate.ts';
import { judgeSearch } from '../../evaluation/promotion/judge-search.ts';
import { promoteModel } from '../../evaluation/promotion/promote.ts';
import { createDatasetWriter, type GivenImage } from '../../pipelines/dataset.ts';
import { evaluationNotes } from '../../report/evaluation-notes.ts';
import { loadVersions, openStore, readAbout, readArtifactJson, type Store } from '../../store/index.ts';
import { openRun, trainEpochs } from '../training/run.ts';
import { numbersIn } from './numbers-in.ts';

const key = { run: 'open', step: 'measure' };
const context = () => ({ store, key, stopRequested: () => false, progress: () => {} });
const names = Array.from({ length: 16 }, (_, index) => `product-${index}`);
const shops = ['north', 'south'] as const;
const photosOfShop = 6;
/** Images that are added once more under another name: of a class that is held out, and of it what was trained on. */
const copied = 2;

let folder = '';
let store: Store;
let dataset: ArtifactRef;
let about: DatasetAbout;
let encoder: ArtifactRef;

/** A grating of the product's own direction and width, at a random phase, in the light of a shop. */
function photo(product: number, shop: number, number: number): GivenImage {
  const draws = randomDraws(5, 'photo', product, shop, number);
  const draw = (what: number) => draws(what) / 2 ** 32;
  const angle = (Math.PI * product) / names.length;
  const pixels = Uint8Array.from({ length: 32 * 32 }, (_, at) => {
    const along = (at % 32) * Math.cos(angle) + Math.floor(at / 32) * Math.sin(angle);
    const wave = Math.sin(along * (0.5 + 0.2 * (product % 3)) + 2 * Math.PI * draw(0));
    return 60 + 20 * shop + 20 * wave + 130 * draw(at + 1);
  });
  return {
    class: names[product] ?? '',
    category: shops[shop] ?? '',
    name: `${names[product]}/${shops[shop]}-${number}`,
    pixels,
    height: 32,
    width: 32,
    channels: 1,
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-open-'));
  store = openStore(join(folder, 'store'));
  const output = join(folder, 'output');
  await mkdir(output);
  const split = { by: 'class', test: 0.3, validation: 0.2, seed: 9 } as const;
  const photos = names.flatMap((_, product) =>
    shops.flatMap((_, shop) => Array.from({ length: photosOfShop }, (_, number) => photo(product, shop, number))),
  );
  const writer = createDatasetWriter(output, { classes: names, split, validation: 0.2, test: 0.3 });
  const { classes } = holdOutClasses(names, split);
  await writer.addAll(photos);
  const last = classes.at(-1) ?? '';
  const again = photos.filter((image) => image.class === last && image.category === 'north').slice(0, copied);
  await writer.addAll(again.map((image) => ({ ...image, name: `${image.name}-again` })));
  const trainedOn = photos.find((image) => image.class === classes[0]) as GivenImage;
  await writer.addAll([
    { ...trainedOn, split: 'train', name: 'trained-on' },
    { ...trainedOn, class: last, name: 'trained-on as another' },
  ]);
  await writer.finish();
  dataset = (await adoptDataset(store, output, {})).ref;
  about = await describeDataset(store, dataset);

  encoder = await train(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An encoder after one epoch. */
async function train(seed: number): Promise<ArtifactRef> {
  const config = {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    projection: { hidden: 16, output: 8 },
    optimizer: { name: 'adam', learningRate: 0.01 },
    batch: 32,
    epochs: 1,
    seed,
  };
  const { made } = await trainEpochs(openRun({ store, run: 'open', step: `pretrain-${seed}`, dataset, config }), 1);
  return made.encoder;
}

async function search(params: object = {}, of = encoder) {
  const input = trainerJobs.retrieval.input.parse({
    ...key,
    encoder: of,
    dataset,
    parameters: retrievalParameters.parse(params),
  });
  const result = await stepJobs.retrieval(input, context());
  const found = await readArtifactJson(store, result.retrieval, retrievalFile, retrievalSchema);
  return { result, found, numbers: await numbersIn(store, result.retrieval, queriesFile) };
}

const unseen = () => splitOf(about, 'unseenTest');
const queriesOf = (split: 'test' | 'unseenTest') =>
  splitOf(about, split).perClass.reduce((sum, each) => sum + (each > 1 ? each : 0), 0);

describe('a model of trained classes', () => {
  it('answers with these alone, and says how many it does not know', async () => {
    const trained = about.classes.slice(0, about.trainedClasses);
    const unseenClasses = about.classes.length - trained.length;
    const probe = trainerJobs['linear-probe'].input.parse({
      ...key,
      encoder,
      dataset,
      parameters: linearProbeParameters.parse({ epochs: 20, learningRates: [0.01] }),
    });
    const { classifier } = await stepJobs['linear-probe'](probe, context());
    expect(await readAbout(store, classifier, classifierAboutSchema)).toMatchObject({
      classes: trained,
      unseenClasses,
    });
    const input = trainerJobs.evaluate.input.parse({ ...key, encoder, dataset, classifier, parameters: {} });
    const { evaluation } = await stepJobs.evaluate(input, context());
    const measured = await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema);
    // One test image was added to the training images once more.
    const { count } = about.splits.test;
    expect(measured).toMatchObject({ classes: trained, unseenClasses, testImages: count - 1, all: { images: count } });
    expect(measured.confusion.classes).toBe(trained.length);
    expect(evaluationNotes(measured)[0]).toBe(
      `${unseenClasses} classes of the data set were never trained on: accuracy, confusion and F1 are of the other ${trained.length}.`,
    );
  });
});

describe('a search', () => {
  let standard: Awaited<ReturnType<typeof search>>;
  beforeAll(async () => {
    standard = await search();
  });

  it('is among images of classes that were held out, without those that find a copy', async () => {
    const { result, found, numbers } = standard;
    expect(found).toMatchObject({ query: { split: 'unseenTest' }, gallery: { split: 'unseenTest' }, lone: 0 });
    expect(found.images).toBe(unseen().count);
    // Of two images that are one, both find a copy; and one is of an image that was trained on.
    const left = 2 * copied + 1;
    expect(found.copies).toMatchObject({
      inGallery: 2 * copied,
      ofTraining: 1,
      images: left,
    });
    expect(found.leaks).toEqual({ exact: left, near: null, embedding: null, policy: 'leave-out', partly: false });
    expect(found.all?.queries).toBe(unseen().count);
    expect(found.clean).toEqual({
      queries: found.queries,
      recallAt1: found.recallAt[0]?.value,
      mapAtR: found.mapAtR.value,
    });
    expect(found.queries).toBe(unseen().count - left);
    expect(found.all?.recallAt1).toBeGreaterThan(found.recallAt[0]?.value ?? 1);
    expect(result).toMatchObject({
      copies: left,
      nearLeaks: null,
      allRecallAt1: found.all?.recallAt1,
      cleanRecallAt1: found.recallAt[0]?.value,
      queries: found.queries,
    });
    const leftOut = numbers('leftOut');
    const first = numbers('first').filter((_, query) => leftOut[query] === 0);
    expect(first).toHaveLength(found.queries);
    expect(first.filter((rank) => rank === 1).length / first.length).toBeCloseTo(found.recallAt[0]?.value ?? 0, 12);
    expect(found.verification.chosen).toMatchObject({ chosenOn: 'unseenValidation' });
    expect((await search()).result).toEqual(result);
  });

  it('measures each category of the queries', () => {
    const { found } = standard;
    expect(found.categories.map(({ name }) => name).sort()).toEqual([...shops]);
    expect(found.categories.reduce((sum, { queries }) => sum + queries, 0)).toBe(found.queries);
    for (const { recallAt1 } of found.categories) {
      const [low = 1, high = 0] = recallAt1.interval ?? [];
      expect(low).toBeLessThanOrEqual(recallAt1.value ?? 0);
      expect(high).toBeGreaterThanOrEqual(recallAt1.value ?? 1);
    }
  });

  it('is for the photos of one shop among those of another', async () => {
    const { found, numbers } = await search({
      query: { split: 'unseenTest', category: 'north' },
      gallery: { split: 'unseenTest', category: 'south' },
    });
    const facts = (await readRowFacts(store, dataset, 'unseenTest')) ?? [];
    const of = (shop: string) => facts.filter(({ category }) => category === shop).length;
    expect(found).toMatchObject({ images: of('north'), galleryImages: of('south'), lone: 0, unknown: null });
    for (const row of numbers('rows')) expect(facts[row]?.category).toBe('north');
    // The copies are of one shop; what was trained on stays out.
    expect(found.copies).toMatchObject({ inGallery: 0, ofTraining: 1 });
    const { same, different } = found.verification.pairs;
    expect(same + different).toBe(of('north') * of('south'));
    expect(found.verification.chosen).toMatchObject({ chosenOn: 'unseenValidation' });
  });

  it('leaves out what has no other of its class there', async () => {
    const { found } = await search({ query: { split: 'unseenTest' }, gallery: { split: 'test' } });
    expect(found).toMatchObject({ queries: 0, lone: unseen().count, classes: 0 });
    expect(found.recallAt[0]).toEqual({ k: 1, value: null, interval: null });
  });

  it('may be among test images of trained classes, or validation images to choose by', async () => {
    const { found } = await search({ query: { split: 'test' } });
    expect(found.all?.queries).toBe(queriesOf('test'));
    expect(found.verification.chosen).toMatchObject({ chosenOn: 'validation' });
    const chosen = await search({ query: { split: 'unseenValidation' } });
    expect(chosen.found.verification.chosen).toBeNull();
    expect(chosen.result.recallAt1).toBeGreaterThan(0);
  });

  it('tells images of unseen classes by a threshold that validation images chose', async () => {
    const { found, result } = standard;
    const { test, validation, threshold, wanted } = found.unknown ?? {};
    expect(wanted).toBe(0.05);
    expect(test?.images).toEqual({ known: about.splits.test.count, unseen: unseen().count });
    expect(validation?.images).toEqual({
      known: about.splits.validation.count,
      unseen: splitOf(about, 'unseenValidation').count,
    });
    expect(validation?.knownRefused).toBeLessThanOrEqual(0.05);
    expect(threshold).toBeGreaterThan(-1);
    expect(result).toMatchObject({ unknownAuroc: test?.auroc, unseenRefused: test?.unseenRefused });
    expect(test?.oscr).toBeLessThanOrEqual(test?.auroc ?? 0);
    const stricter = await search({ refusals: 0.4 });
    expect(stricter.found.unknown?.threshold).toBeGreaterThan(threshold ?? 1);
    expect(stricter.found.unknown?.test.unseenRefused).toBeGreaterThanOrEqual(test?.unseenRefused ?? 1);
  });

  it('compares images by the projections of the head, where it is told to', async () => {
    const [embedded, projected] = [await search(), await search({ of: 'projection' })];
    expect(embedded.found.of).toBeUndefined();
    expect(projected.found.of).toBe('projection');
    expect(projected.found.queries).toBe(embedded.found.queries);
    expect(projected.found.mapAtR.value).not.toBe(embedded.found.mapAtR.value);
    expect(searchText(projected.found)).toMatch(/, by their projections$/);
    await expect(candidateOf(store, key, projected.result.retrieval)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('a model is an encoder, without its head'),
    });
  });

  it('names the categories that there are, and the split that is empty', async () => {
    await expect(search({ query: { split: 'test', category: 'west' } })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: 'No test image is of the category west. There are: north, south.',
    });
  });
});

describe('an encoder that was measured by retrieval alone', () => {
  const terms = { margin: 0, minimumImages: 30, unknownOverlap: false } as const;

  it('is promoted by it, and compared with the next on the queries that neither has seen', async () => {
    const [first, next] = [await search(), await search({}, await train(1))];
    const candidate = (run: string, { result }: typeof first) =>
      candidateOf(store, { run, step: 'promote' }, result.retrieval);
    const promotion = { model: 'products', metric: 'recallAt1', force: false } as const;
    const neverAsked = () => Promise.reject(new Error('there is nothing to compare with'));
    const begun = await promoteModel(store, await candidate('a', first), { ...promotion, judge: neverAsked });
    expect(begun).toMatchObject({ promoted: true, version: 1, after: first.result.recallAt1 });
    const judged = await promoteModel(store, await candidate('b', next), {
      ...promotion,
      judge: async (current) =>
        judgeSearch(store, await candidate('b', next), current, {
          ...terms,
          metric: 'recallAt1',
          measureAgain: neverAsked,
        }),
    });
    // What both were trained on is among the queries under another name, and is left out.
    expect(judged).toMatchObject({ before: first.result.recallAt1, after: next.result.recallAt1, seen: 1 });
    expect(judged.images).toBe(first.found.queries);
    expect(judged.promoted).toBe((next.result.recallAt1 ?? 0) > (first.result.recallAt1 ?? 0));
    expect(judged.low).toBeLessThanOrEqual((judged.after ?? 0) - (judged.before ?? 0));
    expect(judged.high).toBeGreaterThanOrEqual((judged.after ?? 0) - (judged.before ?? 0));
  });

  it('is measured again where the current one was measured by another search', async () => {
    const [before, after] = [await search({ query: { split: 'test' } }), await search()];
    const [current] = await loadVersions(store, 'products');
    if (!current) throw new Error('there is a version');
    const asked: unknown[] = [];
    const { result } = before;
    const judged = await judgeSearch(
      store,
      await candidateOf(store, { run: 'c', step: 'promote' }, after.result.retrieval),
      { ...current, evaluation: result.retrieval },
      {
        ...terms,
        metric: 'mapAtR',
        measureAgain: async (_, { query, gallery }) => {
          asked.push(query, gallery);
          return (await search({ query, gallery })).result.retrieval;
        },
      },
    );
    expect(asked).toEqual([{ split: 'unseenTest' }, { split: 'unseenTest' }]);
    expect(judged).toMatchObject({ better: false, images: after.found.queries, interval: [0, 0] });
    expect(judged.before).toBe(judged.after);
  });
});
