import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareStored } from '../../activities/compare.ts';
import { writeStepReport } from '../../activities/step-report.ts';
import type { ArtifactKind, ArtifactRef } from '../../contracts/artifacts.ts';
import { comparisonFile, comparisonSchema } from '../../contracts/comparison.ts';
import { type Evaluation, evaluationFile, evaluationSchema } from '../../contracts/evaluation.ts';
import { compareParameters } from '../../contracts/kinds/compare.ts';
import { learningCurveFile, learningCurveSchema } from '../../contracts/learning-curve.ts';
import { type Outliers, outliersFile, outliersSchema } from '../../contracts/outliers.ts';
import { retrievalFile, retrievalSchema } from '../../contracts/retrieval.ts';
import { robustnessFile, robustnessSchema } from '../../contracts/robustness.ts';
import { jsonBytes, openStore, parseJson, readArtifactFile, type Store, writeArtifact } from '../../store/index.ts';
import { complete } from '../report/complete.ts';

let folder = '';
let store: Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  store = openStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ref = <K extends ArtifactKind>(kind: K, digit: string) => ({ kind, digest: digit.repeat(64) });
const of = (data: string) => ({
  classifier: ref('classifier', 'c'),
  encoder: ref('encoder', 'e'),
  dataset: ref('dataset', data),
});

async function put(kind: ArtifactKind, about: object, path: string, content: object): Promise<ArtifactRef> {
  return writeArtifact(store, { kind, about, files: [{ path, content: jsonBytes(content) }] });
}

const evaluation = (top1: number, { data = 'd', k = 20 } = {}) => {
  const value: Evaluation = evaluationSchema.parse({
    dataset: 'shirts',
    classes: ['shirt', 'coat'],
    testImages: 100,
    top1,
    top5: 1,
    macroF1: top1 - 0.01,
    expectedCalibrationError: 0.5 - top1 / 2,
    knn: [{ k, accuracy: top1 }],
    perClass: [top1, 0.5].map((f1) => ({ precision: f1, recall: f1, f1, support: 50 })),
    confusion: [
      [40, 10],
      [10, 40],
    ],
    mostConfused: [],
    geometry: {
      images: 100,
      alignment: 1,
      uniformity: -2,
      intra: 0.4,
      inter: 0.9,
      silhouette: 0.3,
      recallAt1: top1,
      mapAtR: 0.6,
    },
    encoderDigest: 'e'.repeat(64),
  });
  return put('evaluation', of(data), evaluationFile, value);
};

const robustness = (clean: number, seed = 0) => {
  const accuracy = [0.1, 0.2, 0.3, 0.4, 0.5].map((lost) => clean - lost);
  const value = {
    dataset: 'shirts',
    testImages: 100,
    seed,
    clean,
    corruptions: [{ name: 'jpeg', accuracy }],
    mean: clean - 0.3,
  };
  return put('robustness', of('d'), robustnessFile, robustnessSchema.parse(value));
};

const outliers = (outside: string, auroc: number) => {
  const detectors: Outliers['detectors'] = [{ name: 'softmax', auroc, falsePositivesAt95: 1 - auroc, roc: [] }];
  const value = outliersSchema.parse({ dataset: 'shirts', outside, images: { known: 100, outside: 50 }, detectors });
  return put(
    'outliers',
    { ...of('d'), outside: ref('dataset', outside === 'digits' ? '1' : '2') },
    outliersFile,
    value,
  );
};

const curve = (reached: number) => {
  const points = [5, 10, 15, 20].map((epoch) => ({
    epoch,
    seconds: epoch,
    loss: 1,
    probe: epoch < reached ? 0.5 : 0.9,
    knn: 0.5,
  }));
  const value = { dataset: 'shirts', images: { train: 10, validation: 10 }, points };
  const about = { training: { run: 'r', step: 'pretrain' }, dataset: ref('dataset', 'd') };
  return put('curve', about, learningCurveFile, learningCurveSchema.parse(value));
};

const retrieval = (
  recallAt1: number,
  { data = 'd', by, split = 'test' }: { data?: string; by?: 'projection'; split?: string } = {},
) => {
  const { query: _, gallery: __, ...sample } = complete.retrieval[0]?.retrieval ?? {};
  const value = retrievalSchema.parse({
    ...sample,
    query: { split },
    gallery: { split },
    ...(by ? { of: by } : {}),
    recallAt: [{ k: 1, value: recallAt1, interval: null }],
    mapAtR: { value: recallAt1 / 2, interval: null },
  });
  return put('retrieval', of(data), retrievalFile, value);
};

const all = <T>(...values: Promise<T>[]) => Promise.all(values);
const armOf = async (name: string, top1s: readonly number[]) => ({
  name,
  evaluations: await Promise.all(top1s.map((top1) => evaluation(top1))),
});
const run = (params: object) => compareStored(store, compareParameters.parse(params));
const read = async (comparison: ArtifactRef) =>
  comparisonSchema.parse(parseJson(await readArtifactFile(store, comparison, comparisonFile)));

describe('compare', () => {
  it('compares what searches found, also where one goes by projections', async () => {
    const top1s = [0.9, 0.92];
    const a = { ...(await armOf('embedding', top1s)), retrievals: await all(retrieval(0.8), retrieval(0.82)) };
    const byHead = { by: 'projection' } as const;
    const b = {
      ...(await armOf('head', top1s)),
      retrievals: await all(retrieval(0.6, byHead), retrieval(0.64, byHead)),
    };
    const { measures } = await read((await run({ a, b })).comparison);
    const recall = measures.find(({ measure }) => measure === 'recall at 1 of the search');
    expect(recall).toMatchObject({ goal: 'higher', a: { values: [0.8, 0.82] }, b: { values: [0.6, 0.64] } });
    expect(recall?.difference.mean).toBeCloseTo(0.19, 12);
    expect(measures.find(({ measure }) => measure === 'MAP at R of the search')?.difference.mean).toBeCloseTo(
      0.095,
      12,
    );
  });

  it('refuses searches of other images, or of one arm alone', async () => {
    const a = { ...(await armOf('x', [0.9])), retrievals: [await retrieval(0.8)] };
    const b = await armOf('y', [0.9]);
    const elsewhere = { ...b, retrievals: [await retrieval(0.8, { split: 'validation' })] };
    await expect(run({ a, b: elsewhere })).rejects.toThrow(
      'retrievals of x and y were not made with the same settings',
    );
    const otherData = { ...b, retrievals: [await retrieval(0.8, { data: '7' })] };
    await expect(run({ a, b: otherData })).rejects.toThrow('Number 1 of the retrievals was measured on data set');
    expect(() => compareParameters.parse({ a, b })).toThrow('has no retrievals, and the other arm has');
  });

  it('compares all that both arms have, seed by seed', async () => {
    const a = {
      ...(await armOf('SupCon', [0.9, 0.92, 0.91])),
      robustness: await all(robustness(0.9), robustness(0.92), robustness(0.91)),
      outliers: [
        await all(outliers('digits', 0.9), outliers('digits', 0.92), outliers('digits', 0.91)),
        await all(outliers('letters', 0.6), outliers('letters', 0.61), outliers('letters', 0.62)),
      ],
      curves: await all(curve(5), curve(5), curve(10)),
    };
    const b = {
      ...(await armOf('cross-entropy', [0.88, 0.89, 0.89])),
      robustness: await all(robustness(0.8), robustness(0.8), robustness(0.8)),
      outliers: [
        await all(outliers('letters', 0.6), outliers('letters', 0.62), outliers('letters', 0.61)),
        await all(outliers('digits', 0.8), outliers('digits', 0.82), outliers('digits', 0.81)),
      ],
      curves: await all(curve(10), curve(15), curve(15)),
    };
    const { comparison, top1Difference, low, high, verdict } = await run({ a, b, target: 0.9 });
    const found = await read(comparison);
    const named = (measure: string) => found.measures.find((each) => each.measure === measure);
    expect(found.pairs).toBe(3);
    expect(top1Difference).toBeCloseTo(0.07 / 3, 12);
    expect([low, high]).toEqual(named('top-1 accuracy')?.difference.interval);
    expect(verdict).toBe(named('top-1 accuracy')?.verdict);
    expect(named('expected calibration error')).toMatchObject({ goal: 'lower' });
    expect(named('20-nearest-neighbour accuracy')?.a.values).toEqual([0.9, 0.92, 0.91]);
    expect(named('accuracy at severity 5')?.b.mean).toBeCloseTo(0.3, 12);
    expect(named('AUROC against digits, softmax')?.verdict).toBe('a is better');
    expect(named('AUROC against letters, softmax')?.verdict).toBe('none shown');
    expect(named('epochs to 90 % by linear probe')?.a.values).toEqual([5, 5, 10]);
    expect(found.classes.map(({ measure }) => measure)).toEqual(['shirt', 'coat']);
    expect(found.corruption?.b.mCE).toBe(1);
    expect(found.corruption?.a.mCE).toBeLessThan(1);
    // The models of these evaluations are made up.
    expect(found.notes).toEqual(
      ['SupCon', 'cross-entropy'].map((arm) => expect.stringContaining(`${arm} has lost its encoder or classifier`)),
    );
  });

  it('takes a single reference for a run without a matrix, and then has no interval', async () => {
    const [a, b] = [
      { name: 'x', evaluations: await evaluation(0.9) },
      { name: 'y', evaluations: await evaluation(0.8) },
    ];
    expect(await run({ a, b })).toMatchObject({ low: null, high: null, verdict: 'none shown' });
  });

  it('says which arm did not reach the target, and compares no epochs then', async () => {
    const a = { ...(await armOf('x', [0.9, 0.8])), curves: await all(curve(5), curve(10)) };
    const b = { ...(await armOf('y', [0.9, 0.8])), curves: await all(curve(5), curve(99)) };
    const found = await read((await run({ a, b, target: 0.9 })).comparison);
    expect(found.notes?.slice(2)).toEqual(['Epochs to 90 % are not compared: 1 of 2 curves of y did not reach it.']);
    expect(found.measures.filter(({ measure }) => measure.startsWith('epochs'))).toEqual([]);
  });

  it('writes what people read into the report folder of the run', async () => {
    const { comparison } = await run({ a: await armOf('SupCon', [0.9, 0.92]), b: await armOf('plain', [0.8, 0.81]) });
    await writeStepReport(store, { run: 'r', step: 'versus' }, 'compare', { comparison });
    const markdown = new TextDecoder().decode(await store.read('runs/r/report/versus.md'));
    expect(markdown).toContain('# SupCon against plain on shirts');
    expect(markdown).toMatch(/\| top-1 accuracy ↑ \| 0\.9100 ± 0\.0141 \| 0\.8050 ± 0\.0071 \| \+0\.1050 \|/);
    expect(comparisonSchema.parse(parseJson(await store.read('runs/r/report/versus.json'))).a).toBe('SupCon');
  });
});

describe('compare refuses', () => {
  it('arms of different numbers of runs', async () => {
    await expect(run({ a: await armOf('x', [0.9, 0.8]), b: await armOf('y', [0.9]) })).rejects.toThrow(
      /x has 2 evaluations and y has 1/,
    );
  });

  it('measurements of other runs than were evaluated', async () => {
    const a = { ...(await armOf('x', [0.9, 0.8])), robustness: await robustness(0.9) };
    const b = { ...(await armOf('y', [0.9, 0.7])), robustness: await robustness(0.8) };
    await expect(run({ a, b })).rejects.toThrow(
      /x has 1 robustness and y has 1; each needs one for every run \(2\), or none/,
    );
  });

  it('arms that were measured on other data', async () => {
    const a = { name: 'x', evaluations: await all(evaluation(0.9), evaluation(0.8)) };
    const b = { name: 'y', evaluations: await all(evaluation(0.9), evaluation(0.8, { data: 'f' })) };
    await expect(run({ a, b })).rejects.toThrow(
      /Number 2 of the evaluations was measured on data set d+ in arm a and on f+/,
    );
  });

  it('arms that were measured with other settings', async () => {
    const a = { name: 'x', evaluations: await evaluation(0.9) };
    const b = { name: 'y', evaluations: await evaluation(0.9, { k: 5 }) };
    await expect(run({ a, b })).rejects.toThrow(/evaluations of x and y were not made with the same settings/);
    const seeds = [await robustness(0.9, 1), await robustness(0.9, 2)];
    const withSeed = async (name: string, at: number) => ({ ...(await armOf(name, [0.9])), robustness: seeds[at] });
    await expect(run({ a: await withSeed('x', 0), b: await withSeed('y', 1) })).rejects.toThrow(
      /robustness of x and y were not made with the same settings/,
    );
  });

  it('curves without a target, a target without curves, and what only one arm has', async () => {
    const [x, y] = [await armOf('x', [0.9]), await armOf('y', [0.9])];
    const curves = await curve(5);
    const messages = (params: object) =>
      compareParameters.safeParse(params).error?.issues.map(({ message }) => message);
    expect(messages({ a: { ...x, curves }, b: { ...y, curves } })).toEqual([expect.stringContaining('is missing')]);
    expect(messages({ a: x, b: y, target: 0.9 })).toEqual([expect.stringContaining('do not have')]);
    expect(messages({ a: { ...x, curves }, b: y, target: 0.9 })).toEqual([expect.stringContaining('has no curves')]);
    expect(messages({ a: x, b: x })).toEqual([expect.stringContaining('the other arm')]);
  });
});
