import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { learningCurveFile, learningCurveSchema } from '../../contracts/learning-curve.ts';
import { finishTrainingInput, trainEpochInput, trainerJobs } from '../../contracts/trainer.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import {
  openCheckpoints,
  openStore,
  parseJson,
  readArtifactFile,
  type Store,
  saveEpochMetrics,
} from '../../store/index.ts';
import { createEncoderAtCheckpoint, createTrainingJobs, JobStopped, openEncoder } from '../../training/index.ts';

let folder = '';
let store: Store;
let dataset: ArtifactRef;
let withoutValidation: ArtifactRef;

const prepare = async (validation: number) => {
  const params = { dataset: 'generated', generated: { classes: 3, images: 180 }, validation };
  return (await prepareDataset(store, prepareDataParameters.parse(params), { cacheFolder: folder })).ref;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  store = openStore(folder);
  [dataset, withoutValidation] = [await prepare(0.2), await prepare(0)];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const contextOf = (step: string, stopRequested = () => false) => ({
  store,
  key: { run: 'tried', step },
  stopRequested,
  progress: () => {},
});

/** Trains five epochs of which the second and the fourth are kept besides the last two, and takes the encoder out. */
async function train(step: string, config: object): Promise<ArtifactRef> {
  const key = { run: 'tried', step };
  const jobs = createTrainingJobs();
  const common = { ...key, dataset, config, checkpoint: { keep: { last: 2, best: 0, every: 2 } } };
  let recorded: { epoch: number; digest: string } | undefined;
  for (const epoch of [1, 2, 3, 4, 5]) {
    const input = trainEpochInput.parse({ ...common, epoch, ...(recorded ? { recorded } : {}) });
    const { digest, metrics } = await jobs['train-epoch'](input, contextOf(step));
    await saveEpochMetrics(store, key, { epoch, ...metrics });
    recorded = { epoch, digest };
  }
  const made = await jobs['finish-training'](finishTrainingInput.parse({ ...common, recorded }), contextOf(step));
  return made.encoder;
}

const inputOf = (step: string, params: object = {}, of = dataset) =>
  trainerJobs['learning-curve'].input.parse({
    run: 'tried',
    step: 'curve',
    dataset: of,
    parameters: { training: { run: 'tried', step }, images: 90, neighbours: 5, ...params },
  });

const encoder = { name: 'small-resnet', channels: 8, blocks: [1] };
const kinds = {
  pretrain: {
    encoder,
    projection: { hidden: 16, output: 8 },
    batch: 16,
    epochs: 5,
    freeze: { until: 'stem' },
    ema: { decay: 0.8 },
  },
  'train-classifier': { encoder, loss: { crossEntropy: {} }, batch: 16, epochs: 5, engine: 'eager' },
};

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('the curve of a %s step', (step) => {
  let trained: ArtifactRef;
  beforeAll(async () => {
    trained = await train(step, kinds[step]);
  });

  it('has a point for each kept epoch, and the same bytes when measured again', async () => {
    const { curve, epochs, probe } = await stepJobs['learning-curve'](inputOf(step), contextOf('curve'));
    const found = learningCurveSchema.parse(parseJson(await readArtifactFile(store, curve, learningCurveFile)));
    expect(found.points.map((point) => point.epoch)).toEqual([2, 4, 5]);
    expect(found.images.train).toBe(90);
    expect(epochs).toBe(3);
    expect(probe).toBe(found.points.at(-1)?.probe);
    // Three classes that are easy to tell apart.
    expect(probe).toBeGreaterThan(0.5);
    const seconds = found.points.map((point) => point.seconds);
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
    expect((await stepJobs['learning-curve'](inputOf(step), contextOf('curve'))).curve).toEqual(curve);
  });

  it('measures the very encoder that the training ended with', async () => {
    const { newest } = await openCheckpoints(store, { run: 'tried', step }).newestValid({ wholeEpochs: true });
    if (!newest) throw new Error('the training has a checkpoint');
    const at = createEncoderAtCheckpoint(store);
    const { embedder } = await at.take(newest, { onProgress: () => {} });
    const finished = await openEncoder(store, trained);
    expect(embedder.digest()).toBe(finished.digest());
    finished.dispose();
    await at.close();
  });

  it('takes only multiples of `every`', async () => {
    const { epochs } = await stepJobs['learning-curve'](inputOf(step, { every: 4 }), contextOf('curve'));
    expect(epochs).toBe(1);
    await expect(stepJobs['learning-curve'](inputOf(step, { every: 7 }), contextOf('curve'))).rejects.toThrow(
      `The training tried/${step} has no checkpoint of an epoch that is a multiple of 7 left to measure. Set \`checkpoint: { keep: { every: 7 } }\``,
    );
  });

  it('stops when it is asked to', async () => {
    await expect(
      stepJobs['learning-curve'](
        inputOf(step),
        contextOf('curve', () => true),
      ),
    ).rejects.toThrow(JobStopped);
  });

  it('leaves out an epoch whose checkpoint is damaged', async () => {
    const [second] = await openCheckpoints(store, { run: 'tried', step }).list();
    expect(second?.manifest.epoch).toBe(2);
    await appendFile(
      join(folder, 'runs/tried/steps', step, 'checkpoints', second?.name ?? '', 'state.safetensors'),
      'x',
    );
    const { epochs } = await stepJobs['learning-curve'](inputOf(step), contextOf('curve'));
    expect(epochs).toBe(2);
  });
});

it('refuses data without validation images, and a training whose checkpoints are gone', async () => {
  await expect(
    stepJobs['learning-curve'](inputOf('pretrain', {}, withoutValidation), contextOf('curve')),
  ).rejects.toThrow(/measured on the validation images, and the data set has none; set `validation`/);
  await expect(stepJobs['learning-curve'](inputOf('gone'), contextOf('curve'))).rejects.toThrow(
    /tried\/gone has no checkpoint left to measure\. Set `checkpoint: \{ keep: \{ every: 1 \} \}`/,
  );
});
