import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Candidate } from '../../../contracts/models.ts';
import { decide } from '../../../evaluation/promotion/judge.ts';
import { promoteModel } from '../../../evaluation/promotion/promote.ts';
import { rollBackModel } from '../../../evaluation/promotion/roll-back.ts';
import { loadCurrent, loadRefusals, loadVersions, openStore, parseJson, type Store } from '../../../store/index.ts';
import { indexOf as writeIndex } from '../../vectors/vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-models-'));
afterAll(() => rm(root, { recursive: true, force: true }));

let store: Store;
let number = 0;
beforeEach(() => {
  store = openStore(join(root, String(number++)));
});

const digest = (seed: number) => seed.toString(16).padStart(64, '0');
const candidate = (seed: number, top1: number, testSet = 1): Candidate => ({
  run: `run-${seed}`,
  step: 'promote',
  encoder: { kind: 'encoder', digest: digest(seed) },
  classifier: { kind: 'classifier', digest: digest(seed) },
  evaluation: { kind: 'evaluation', digest: digest(seed) },
  metrics: { top1, top5: 1, macroF1: top1, knn: top1 },
  testSet: digest(testSet),
});
/** Promotes by what was recorded of both models, as if on 100 images. */
const promote = (given: Candidate, { margin = 0.02, force = false } = {}) =>
  promoteModel(store, given, {
    model: 'shirts',
    metric: 'top1',
    force,
    judge: async ({ version, metrics }) =>
      decide(
        { after: given.metrics.top1 ?? 0, before: metrics.top1 ?? 0, interval: [-0.1, 0.1], more: null },
        { metric: 'top1', margin },
        { name: `version ${version}`, images: 100, seen: 0, unknown: false },
      ),
  });
const currentFile = async () => parseJson(await store.read('models/shirts/current.json'));

describe('a promotion', () => {
  it('refuses a metric that is none, even the first, even by force', async () => {
    for (const wrong of [1.5, -0.1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(promote(candidate(1, wrong), { force: true })).rejects.toThrow(
        `top1 is ${wrong}, and must be from 0 to 1. Evaluate the encoder again.`,
      );
    expect(await loadVersions(store, 'shirts')).toEqual([]);
  });

  it('makes the first model of a name the current one', async () => {
    expect(await promote(candidate(1, 0.5))).toEqual({
      promoted: true,
      indexOnly: false,
      version: 1,
      reason: 'the first model of this name',
      before: null,
      after: 0.5,
      images: null,
      seen: null,
      low: null,
      high: null,
    });
    expect(await currentFile()).toMatchObject({ version: 1, run: 'run-1', metrics: { top1: 0.5 } });
  });

  it('wants the margin, exactly', async () => {
    await promote(candidate(1, 0.88));
    expect(await promote(candidate(2, 0.8999))).toEqual({
      promoted: false,
      indexOnly: false,
      version: 1,
      reason:
        'top1 0.8999, and version 1 has 0.88, on 100 test images: 95 % interval of the difference -0.1 to +0.1; at least 0.02 more is needed',
      before: 0.88,
      after: 0.8999,
      images: 100,
      seen: 0,
      low: -0.1,
      high: 0.1,
    });
    expect(await promote(candidate(3, 0.9))).toMatchObject({ promoted: true, version: 2 });
    expect(await currentFile()).toMatchObject({ version: 2, run: 'run-3' });
  });

  it('of the current model with another index gives it that, once, and without one changes nothing', async () => {
    const indexOf = (names: readonly string[]) =>
      writeIndex(store, { rows: names.map((name, at) => ({ name, vector: [1, at] })) });
    const index = await indexOf(['a.jpg', 'b.jpg']);
    const indexed = (run: string, number: number, of = index): Candidate => ({
      ...candidate(1, 0.5),
      run,
      evaluation: { kind: 'evaluation', digest: digest(number) },
      index: of,
    });
    await promote(candidate(1, 0.5));
    const reason = 'the model of version 1 with an index of 2 images';
    const taken = { promoted: true, indexOnly: true, version: 2, reason, after: 0.5 };
    expect(await promote(indexed('run-2', 7))).toMatchObject(taken);
    // Another attempt of the same step, and another run with the same index.
    expect(await promote(indexed('run-2', 7))).toMatchObject(taken);
    expect(await promote(indexed('run-3', 7))).toMatchObject({ promoted: false, version: 2 });
    expect(await promote({ ...candidate(1, 0.5), run: 'run-4' })).toMatchObject({ promoted: false, version: 2 });
    const versions = await loadVersions(store, 'shirts');
    expect(versions).toHaveLength(2);
    expect(versions[1]).toMatchObject({
      ...{ run: 'run-1', step: 'promote', indexedBy: { run: 'run-2', step: 'promote' } },
      ...{ evaluation: versions[0]?.evaluation, index },
    });
    // Those that were added by hand, say, are not in one that was built anew.
    const other = await indexOf(['b.jpg', 'c.jpg', 'd.jpg']);
    expect(await promote(indexed('run-5', 8, other))).toMatchObject({
      reason: 'the model of version 2 with another index of 3 images; 1 of the 2 that it had are not in it',
    });
    expect(await loadCurrent(store, 'shirts')).toMatchObject({ run: 'run-1', indexedBy: { run: 'run-5' } });
    expect(await loadRefusals(store, 'shirts')).toEqual([]);
  });

  it('never takes an equal model, even with no margin', async () => {
    await promote(candidate(1, 0.5));
    expect(await promote(candidate(2, 0.5), { margin: 0 })).toMatchObject({ promoted: false });
  });

  it('that is tried again after it happened says the same and changes nothing', async () => {
    await promote(candidate(1, 0.5));
    expect(await promote(candidate(1, 0.5))).toMatchObject({ promoted: true, version: 1 });
    expect(await loadVersions(store, 'shirts')).toHaveLength(1);
  });

  it('that does not happen is recorded with its reason, and forced all the same', async () => {
    await promote(candidate(1, 0.9));
    const { reason } = await promote(candidate(2, 0.5));
    expect(await loadRefusals(store, 'shirts')).toMatchObject([
      { run: 'run-2', step: 'promote', version: 1, reason, before: 0.9, after: 0.5 },
    ]);
    expect(await promote(candidate(2, 0.5), { force: true })).toMatchObject({
      promoted: true,
      version: 2,
      reason: expect.stringMatching(/; forced$/),
    });
  });

  it('beside others: each follows the one before it, and no worse model replaces a better one', async () => {
    const scores = [0.5, 0.9, 0.6, 0.7, 0.95, 0.8, 0.55, 0.65];
    const all = await Promise.all(scores.map((score, seed) => promote(candidate(seed + 1, score), { margin: 0.01 })));
    const versions = await loadVersions(store, 'shirts');
    expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
    expect(all.filter(({ promoted }) => promoted)).toHaveLength(versions.length);
    const top1 = versions.map(({ metrics }) => metrics.top1 ?? 0);
    expect(top1).toEqual(top1.toSorted((a, b) => a - b));
    expect((await loadCurrent(store, 'shirts'))?.metrics.top1).toBe(0.95);
    expect(await currentFile()).toEqual(await loadCurrent(store, 'shirts'));
  });
});

describe('a rollback', () => {
  beforeEach(async () => {
    for (const [seed, top1] of [0.5, 0.6, 0.7].entries()) await promote(candidate(seed + 1, top1));
  });

  it('is a new version with the model before the current one', async () => {
    expect(await rollBackModel(store, 'shirts')).toMatchObject({ version: 4, restores: 2, run: 'run-2' });
    expect(await currentFile()).toMatchObject({ version: 4, run: 'run-2' });
  });

  it('again goes one further back', async () => {
    await rollBackModel(store, 'shirts');
    expect(await rollBackModel(store, 'shirts')).toMatchObject({ version: 5, restores: 1, run: 'run-1' });
    await expect(rollBackModel(store, 'shirts')).rejects.toThrow('none to go back to');
  });

  it('goes to the version it is told, forward too, and names those there are for one there is not', async () => {
    await rollBackModel(store, 'shirts', 1);
    expect(await rollBackModel(store, 'shirts', 3)).toMatchObject({ version: 5, restores: 3, run: 'run-3' });
    await expect(rollBackModel(store, 'shirts', 9)).rejects.toThrow('cannot go back to version 9: there are 1 to 5');
    await expect(rollBackModel(store, 'coats')).rejects.toThrow('There is no model coats');
  });

  it('is what the next promotion is compared with', async () => {
    await rollBackModel(store, 'shirts', 1);
    expect(await promote(candidate(9, 0.55))).toMatchObject({ promoted: true, before: 0.5 });
  });
});
