import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Candidate } from '../../contracts/models.ts';
import {
  loadCurrent,
  loadVersions,
  openStore,
  type PromotionTerms,
  parseJson,
  promoteModel,
  rollBackModel,
  type Store,
} from '../../store/index.ts';

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
const terms = (change: Partial<PromotionTerms> = {}): PromotionTerms => ({
  model: 'shirts',
  metric: 'top1',
  margin: 0.02,
  force: false,
  measureAgain: async () => null,
  ...change,
});
const currentFile = async () => parseJson(await store.read('models/shirts/current.json'));

describe('a promotion', () => {
  it('makes the first model of a name the current one', async () => {
    expect(await promoteModel(store, candidate(1, 0.5), terms())).toEqual({
      promoted: true,
      version: 1,
      reason: 'the first model of this name',
      before: null,
      after: 0.5,
    });
    expect(await currentFile()).toMatchObject({ version: 1, run: 'run-1', metrics: { top1: 0.5 } });
  });

  it('wants the margin, exactly', async () => {
    await promoteModel(store, candidate(1, 0.88), terms());
    expect(await promoteModel(store, candidate(2, 0.8999), terms())).toEqual({
      promoted: false,
      version: 1,
      reason: 'top1 0.8999, and version 1 has 0.88: at least 0.02 more is needed',
      before: 0.88,
      after: 0.8999,
    });
    expect(await promoteModel(store, candidate(3, 0.9), terms())).toMatchObject({ promoted: true, version: 2 });
    expect(await currentFile()).toMatchObject({ version: 2, run: 'run-3' });
  });

  it('never takes an equal model, even with no margin', async () => {
    await promoteModel(store, candidate(1, 0.5), terms());
    expect(await promoteModel(store, candidate(2, 0.5), terms({ margin: 0 }))).toMatchObject({ promoted: false });
  });

  it('that is tried again after it happened says the same and changes nothing', async () => {
    await promoteModel(store, candidate(1, 0.5), terms());
    expect(await promoteModel(store, candidate(1, 0.5), terms())).toMatchObject({ promoted: true, version: 1 });
    expect(await loadVersions(store, 'shirts')).toHaveLength(1);
  });

  it('on another test set is refused, unless the current model can be measured again or it is forced', async () => {
    await promoteModel(store, candidate(1, 0.5), terms());
    const other = candidate(2, 0.9, 2);
    expect(await promoteModel(store, other, terms())).toMatchObject({
      promoted: false,
      reason: 'version 1 was measured on another test set, so they cannot be compared',
    });
    const better = async () => ({ top1: 0.95, top5: 1, macroF1: 1, knn: 1 });
    expect(await promoteModel(store, other, terms({ measureAgain: better }))).toMatchObject({
      promoted: false,
      before: 0.95,
    });
    expect(await promoteModel(store, other, terms({ force: true }))).toMatchObject({ promoted: true, version: 2 });
  });

  it('beside others: each follows the one before it, and no worse model replaces a better one', async () => {
    const scores = [0.5, 0.9, 0.6, 0.7, 0.95, 0.8, 0.55, 0.65];
    const all = await Promise.all(
      scores.map((score, seed) => promoteModel(store, candidate(seed + 1, score), terms({ margin: 0.01 }))),
    );
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
    for (const [seed, top1] of [0.5, 0.6, 0.7].entries()) await promoteModel(store, candidate(seed + 1, top1), terms());
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
    expect(await promoteModel(store, candidate(9, 0.55), terms())).toMatchObject({ promoted: true, before: 0.5 });
  });
});
