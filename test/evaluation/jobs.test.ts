import { describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { retrievalParameters } from '../../contracts/kinds/retrieval.ts';
import { outliersFile, outliersSchema } from '../../contracts/outliers.ts';
import { retrievalAboutSchema, retrievalFile, retrievalSchema } from '../../contracts/retrieval.ts';
import { corruptionNames, robustnessFile, robustnessSchema } from '../../contracts/robustness.ts';
import { trainerJobs } from '../../contracts/trainer.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { readAbout } from '../../store/index.ts';
import { JobStopped } from '../../training/index.ts';
import {
  classifier,
  context,
  dataset,
  encoder,
  key,
  outside,
  parsed,
  prepare,
  progress,
  store,
  useTrained,
} from './trained.ts';

useTrained();

/** What is measured besides on an encoder that was really trained: by retrieval, robustness and out-of-distribution. */
describe('retrieval', () => {
  const measure = async (of: ArtifactRef, params: object = {}) => {
    const input = trainerJobs.retrieval.input.parse({
      ...key,
      encoder,
      dataset: of,
      parameters: retrievalParameters.parse(params),
    });
    const result = await stepJobs.retrieval(input, context());
    return { result, found: retrievalSchema.parse(await parsed(result.retrieval, retrievalFile)) };
  };

  it('searches all test images, with intervals, and a threshold that validation images chose', async () => {
    const { result, found } = await measure(dataset, { k: [10, 5], falseAccepts: 0.1 });
    expect(found.recallAt.map(({ k }) => k)).toEqual([1, 5, 10]);
    expect(found).toMatchObject({ classes: 3, resampled: 'queries', queries: found.images });
    expect(result).toMatchObject({ queries: found.queries, recallAt1: found.recallAt[0]?.value });
    expect(result.recallAt1).toBeGreaterThan(0.6);
    expect(result.low).toBeLessThanOrEqual(result.recallAt1 ?? 0);
    const [low = 0, high = 1] = found.mapAtR.interval ?? [];
    expect(result.mapAtR).toBeGreaterThan(low);
    expect(result.mapAtR).toBeLessThan(high);
    expect(result.equalErrorRate).toBeLessThan(0.4);
    const { chosen, pairs, roc } = found.verification;
    expect(pairs.same + pairs.different).toBe((found.images * (found.images - 1)) / 2);
    expect(roc.at(-1)).toEqual({ falsePositives: 1, truePositives: 1 });
    expect(chosen?.falseAccepts).toBeLessThan(0.2);
    expect(chosen?.trueAccepts).toBeGreaterThan(chosen?.falseAccepts ?? 1);
    expect(await readAbout(store, result.retrieval, retrievalAboutSchema)).toEqual({ encoder, dataset });
    expect((await measure(dataset, { k: [10, 5], falseAccepts: 0.1 })).result).toEqual(result);
  });

  it('measures classes that the encoder was not trained on, and chooses no threshold without validation images', async () => {
    const { found } = await measure(await prepare({ generated: { classes: 7, images: 200 }, seed: 9, validation: 0 }));
    expect(found.classes).toBe(7);
    expect(found.verification.chosen).toBeNull();
  });
});

describe('robustness', () => {
  const input = (params: object) =>
    trainerJobs.robustness.input.parse({ ...key, classifier, encoder, dataset, parameters: params });

  it('measures every corruption at five severities, the same each time', async () => {
    const first = await stepJobs.robustness(input({ images: 60 }), context());
    const measured = robustnessSchema.parse(await parsed(first.robustness, robustnessFile));
    expect(measured.corruptions.map(({ name }) => name)).toEqual(corruptionNames);
    expect(measured.testImages).toBe(60);
    expect(first.mean).toBeLessThan(first.clean);
    const again = input({ images: 60, corruptions: ['shot-noise', 'erasing'] });
    const repeated = robustnessSchema.parse(
      await parsed((await stepJobs.robustness(again, context())).robustness, robustnessFile),
    );
    expect(measured.corruptions).toEqual(expect.arrayContaining(repeated.corruptions));
  });

  it('does only what it is asked for, in a fixed order', async () => {
    const params = { images: 20, corruptions: ['jpeg', 'brightness', 'jpeg'] };
    const { robustness: ref } = await stepJobs.robustness(input(params), context());
    const { corruptions } = robustnessSchema.parse(await parsed(ref, robustnessFile));
    expect(corruptions.map(({ name }) => name)).toEqual(['brightness', 'jpeg']);
  });

  it('stops when asked while images are checked', async () => {
    progress.length = 0;
    const checking = 'checking test images';
    await expect(stepJobs.robustness(input({}), context(checking))).rejects.toThrow(JobStopped);
    expect(progress.at(-1)?.phase).toBe(checking);
  });

  it('says how far it is, over all passes, and stops when asked', async () => {
    progress.length = 0;
    expect(context().stopRequested()).toBe(false);
    await expect(stepJobs.robustness(input({}), context('gaussian-noise 2'))).rejects.toThrow(JobStopped);
    const { done, total } = progress.at(-1) ?? {};
    expect(total).toBe(56 * 139);
    expect(done).toBe(3 * 139);
  });
});

describe('out-of-distribution', () => {
  const input = (given: object) =>
    trainerJobs['out-of-distribution'].input.parse({
      ...key,
      classifier,
      encoder,
      dataset,
      outside,
      parameters: {},
      ...given,
    });

  it('stops when asked while images are checked', async () => {
    progress.length = 0;
    await expect(stepJobs['out-of-distribution'](input({}), context('checking foreign images'))).rejects.toThrow(
      JobStopped,
    );
    expect(progress.at(-1)?.phase).toBe('checking foreign images');
  });

  it('measures three scores', async () => {
    const { outliers: ref, ...aurocs } = await stepJobs['out-of-distribution'](input({}), context());
    const measured = outliersSchema.parse(await parsed(ref, outliersFile));
    expect(measured.images).toEqual({ known: 139, outside: 94 });
    expect(measured.detectors.map(({ name }) => name)).toEqual(['nearest-neighbours', 'mahalanobis', 'softmax']);
    expect(Object.values(aurocs)).toEqual(measured.detectors.map((each) => each.auroc));
    for (const { auroc: area, falsePositivesAt95, roc } of measured.detectors) {
      expect(area).toBeGreaterThan(0);
      expect(area).toBeLessThanOrEqual(1);
      expect(falsePositivesAt95).toBeLessThanOrEqual(1);
      expect(roc[0]).toEqual({ falsePositives: 0, truePositives: 0 });
      expect(roc.at(-1)).toEqual({ falsePositives: 1, truePositives: 1 });
    }
  });

  it('takes a part of either data set', async () => {
    const { outliers: ref } = await stepJobs['out-of-distribution'](input({ parameters: { images: 30 } }), context());
    expect(outliersSchema.parse(await parsed(ref, outliersFile)).images).toEqual({ known: 30, outside: 30 });
  });

  it('refuses the same data set twice, and one of another format, saying what to do', async () => {
    await expect(stepJobs['out-of-distribution'](input({ outside: dataset }), context())).rejects.toThrow(
      'the same data set',
    );
    const colour = await prepare({ generated: { classes: 2, images: 60, channels: 3 } });
    await expect(stepJobs['out-of-distribution'](input({ outside: colour }), context())).rejects.toThrow(
      'Set `channels: 1`',
    );
    const grey = await prepare({ generated: { classes: 2, images: 60, channels: 3 }, channels: 1 });
    await expect(stepJobs['out-of-distribution'](input({ outside: grey }), context())).resolves.toBeTruthy();
    const swapped = { dataset: outside, outside: dataset };
    await expect(stepJobs['out-of-distribution'](input(swapped), context())).rejects.toThrow(
      'trained on another data set',
    );
  });
});
