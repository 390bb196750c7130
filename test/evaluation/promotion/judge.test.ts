import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { modelsPromoteCommand } from '../../../cli/commands/models/promote.ts';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import type { Candidate, ModelVersion } from '../../../contracts/models.ts';
import { createDatasetWriter } from '../../../datasets/dataset-writer.ts';
import { adoptDataset, describeDataset, randomUint32 } from '../../../datasets/index.ts';
import { sameTestImages } from '../../../evaluation/comparison/common-images.ts';
import { imageAnswers } from '../../../evaluation/comparison/image-answers.ts';
import { measureOn } from '../../../evaluation/comparison/image-measures.ts';
import { newRows } from '../../../evaluation/comparison/new-rows.ts';
import { candidateOf } from '../../../evaluation/promotion/candidate.ts';
import { judge, type Terms } from '../../../evaluation/promotion/judge.ts';
import { parsePipeline } from '../../../pipelines/language/index.ts';
import { openStore, savePlan, saveStepResult } from '../../../store/index.ts';
import { classes, hash, modelsIn, names, preparedTwice } from '../models.ts';

const pipeline = `name: p
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data], with: { encoder: small-resnet, epochs: 1 } }
  probe: { uses: linear-probe, needs: [pretrain] }
  evaluate: { uses: evaluate, needs: [probe] }
`;

const folder = await mkdtemp(join(tmpdir(), 'contrail-judge-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
afterAll(() => vi.unstubAllEnvs());
const store = openStore(folder);
const { modelOn, evaluated, reportedAs } = modelsIn(store);
const [split, otherSplit] = await preparedTwice(store, folder);

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
