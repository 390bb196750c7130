import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { type Inspection, inspectionFile, inspectionSchema, relabelsFile } from '../../../contracts/inspection.ts';
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import { type JobResult, trainEpochInput, trainerJobs } from '../../../contracts/trainer.ts';
import { createDatasetWriter } from '../../../datasets/dataset-writer.ts';
import { describeDataset, loadSplit, prepareDataset } from '../../../datasets/index.ts';
import { stepJobs } from '../../../evaluation/index.ts';
import { openStore, readArtifactFile, readArtifactJson, type Store, saveEpochMetrics } from '../../../store/index.ts';
import { createTrainingJobs, JobStopped } from '../../../training/index.ts';

/** Generated images of four classes, every twentieth of the training images labelled as another class, and an encoder trained on these labels. */
let folder = '';
let store: Store;
let dataset: ArtifactRef;
const wrong = new Set<string>();

const training = { run: 'tried', step: 'pretrain' };
const parse = (parameters: object) =>
  trainerJobs['inspect-data'].input.parse({
    run: 'tried',
    step: 'inspect',
    dataset,
    parameters: { folds: 3, epochs: 4, listed: 1000, ...parameters },
  });
const contextOf = (step: string, stopRequested = (_phases: readonly string[]) => false) => {
  const phases: string[] = [];
  return {
    store,
    key: { run: 'tried', step },
    stopRequested: () => stopRequested(phases),
    progress: ({ phase }: { readonly phase: string }) => void phases.push(phase),
  };
};
const inspect = async (parameters: object) => {
  const result = await stepJobs['inspect-data'](parse(parameters), contextOf('inspect'));
  return { result, ...(await read(result)) };
};
const read = async ({ inspection }: JobResult<'inspect-data'>) => ({
  found: await readArtifactJson(store, inspection, inspectionFile, inspectionSchema),
  relabels: new TextDecoder().decode(await readArtifactFile(store, inspection, relabelsFile)),
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  store = openStore(folder);
  const params = { dataset: 'generated', generated: { classes: 4, images: 480 }, validation: 0 };
  const { ref } = await prepareDataset(store, prepareDataParameters.parse(params), { cacheFolder: folder });
  const { classes } = await describeDataset(store, ref);
  const writer = createDatasetWriter(folder, { classes, channels: 1 });
  for (const split of ['train', 'test'] as const) {
    const { images, labels, count, height, width } = await loadSplit(store, ref, split);
    for (let row = 0; row < count; row++) {
      const isWrong = split === 'train' && row % 20 === 3;
      const name = `${split}/${row}.png`;
      if (isWrong) wrong.add(name);
      await writer.add({
        name,
        split,
        class: classes[((labels[row] as number) + Number(isWrong)) % classes.length] as string,
        pixels: images.slice(row * height * width, (row + 1) * height * width),
        height,
        width,
        channels: 1,
      });
    }
  }
  dataset = { kind: 'dataset', digest: (await writer.finish()).digest };
  await train();
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function train(): Promise<void> {
  const jobs = createTrainingJobs();
  const config = {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1], stemStride: 2 },
    projection: { hidden: 32, output: 16 },
    optimizer: { name: 'adam', learningRate: 0.003 },
    batch: 64,
    epochs: 4,
  };
  let recorded: { epoch: number; digest: string } | undefined;
  for (const epoch of [1, 2, 3, 4]) {
    const common = { ...training, dataset, config, checkpoint: { keep: { every: 1 } } };
    const input = trainEpochInput.parse({ ...common, epoch, ...(recorded ? { recorded } : {}) });
    const { digest, metrics } = await jobs['train-epoch'](input, contextOf('pretrain'));
    await saveEpochMetrics(store, training, { epoch, ...metrics });
    recorded = { epoch, digest };
  }
}

describe('inspect-data, with a training', () => {
  let result: JobResult<'inspect-data'>;
  let found: Inspection;
  let relabels = '';
  const byLoss = () => {
    const of = found.suspects.byLoss;
    if (!of) throw new Error('a training was given');
    return of;
  };
  beforeAll(async () => {
    ({ result, found, relabels } = await inspect({ training }));
  }, 60_000);

  it('finds labels that are wrong by the loss of the checkpoints, and suggests the right ones', () => {
    const hits = byLoss().listed.filter(({ name }) => wrong.has(name));
    expect(byLoss().epochs).toEqual([1, 2, 3, 4]);
    expect(hits.length).toBeGreaterThan(0.8 * wrong.size);
    expect(hits.length).toBeGreaterThan(0.7 * byLoss().count);
    const right = hits.filter(({ label, suggested }) => (suggested + 1) % 4 === label);
    expect(right.length).toBeGreaterThan(0.9 * hits.length);
    for (const { margin, limit, split } of byLoss().listed) {
      expect(margin).toBeLessThan(limit);
      expect(limit).toBeLessThanOrEqual(0);
      expect(split).toBe('train');
    }
  });

  it('says of each suspect which way it was found, and counts those of both ways', () => {
    const [classifiers, checkpoints] = [found.suspects.listed, byLoss().listed].map(
      (listed) => new Set(listed.map(({ name }) => name)),
    ) as [Set<string>, Set<string>];
    const both = new Set([...classifiers].filter((name) => checkpoints.has(name)));
    expect(result).toMatchObject({
      labelSuspects: classifiers.size,
      lossSuspects: checkpoints.size,
      bothSuspects: both.size,
    });
    expect(byLoss()).toMatchObject({ count: checkpoints.size, both: both.size });
    expect(found.suspects.listed.filter((each) => each.byLoss).map(({ name }) => name)).toEqual(
      found.suspects.listed.map(({ name }) => name).filter((name) => both.has(name)),
    );
    const [head, ...rows] = relabels.trimEnd().split('\n');
    expect(head).toBe('image,label,suggested,confidence,note,found');
    const ways = rows.map((row) => row.split(','));
    expect(ways.map((cells) => cells.at(-1))).toEqual([
      ...Array(both.size).fill('both'),
      ...Array(classifiers.size - both.size).fill('classifiers'),
      ...Array(checkpoints.size - both.size).fill('checkpoints'),
    ]);
    expect(new Set(ways.map(([name]) => name))).toEqual(new Set([...classifiers, ...checkpoints]));
  });

  it('changes nothing else of an inspection, and without it nothing says that there was one', async () => {
    const without = await inspect({});
    const { byLoss: _, ...suspects } = found.suspects;
    const listed = suspects.listed.map(({ byLoss: _flag, ...each }) => each);
    expect({ ...found, suspects: { ...suspects, listed } }).toStrictEqual(without.found);
    expect(JSON.stringify(without)).not.toMatch(/loss|training|found,/i);
    expect(parse({}).parameters).not.toHaveProperty('training');
    expect(without.relabels.split('\n')[0]).toBe('image,label,suggested,confidence,note');
  });

  it('gives the same again, and of some images only when only these are looked at', async () => {
    expect((await inspect({ training })).result).toEqual(result);
    const some = await inspect({ training, images: 100 });
    expect(some.found.suspects.byLoss?.judged).toBe(100);
  });

  it('stops when it is asked to while a checkpoint is measured', async () => {
    const context = contextOf('inspect', (phases) => phases.some((phase) => phase === 'epoch 2: features'));
    await expect(stepJobs['inspect-data'](parse({ training }), context)).rejects.toThrow(JobStopped);
  });

  it('says how checkpoints are kept where there are none, before it looks at images', async () => {
    await expect(inspect({ training: { run: 'tried', step: 'gone' } })).rejects.toThrow(
      /tried\/gone has no checkpoint left to measure\. Set `checkpoint: \{ keep: \{ every: 1 \} \}`/,
    );
  });
});
