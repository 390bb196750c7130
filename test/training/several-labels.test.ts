import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { openCheckpoints, openStore, type Store } from '../../store/index.ts';
import { contrastiveFacts } from '../../training/contrastive-facts.ts';
import { JobStopped } from '../../training/index.ts';
import { openRun, trainEpochs } from './run.ts';

/** A table of 40 images with a class, a colour and a type; some cells are empty. Eight in a step, so five steps an epoch. */
let folder = '';
let store: Store;
let labelled: ArtifactRef;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-labels-'));
  store = openStore(join(folder, 'store'));
  await mkdir(join(folder, 'images'));
  const rows = ['image,label,colour,type'];
  for (let at = 0; at < 40; at++) {
    const name = `images/${String(at).padStart(2, '0')}.png`;
    const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, index) => Math.imul(index + 1, 97 * at + 5) >>> 3);
    const raw = { width: 32, height: 32, channels: 3 } as const;
    await writeFile(join(folder, name), await sharp(pixels, { raw }).png().toBuffer());
    rows.push(
      `${name},${['coat', 'shirt'][at % 2]},${['red', 'blue', ''][at % 3]},${['plain', 'print', '', ''][at % 4]}`,
    );
  }
  await writeFile(join(folder, 'products.csv'), rows.join('\n'));
  labelled = await prepare(['colour', 'type']);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const prepare = async (labels?: readonly string[]): Promise<ArtifactRef> => {
  const columns = labels ? { columns: { labels } } : {};
  const params = { dataset: 'table', path: join(folder, 'products.csv'), validation: 0, test: 0, ...columns };
  const options = { cacheFolder: folder, shardBytes: 10 * 32 * 32 * 3 };
  return (await prepareDataset(store, prepareDataParameters.parse(params), options)).ref;
};

const settings = {
  encoder: { name: 'small-resnet', channels: 4, blocks: [1] },
  projection: { hidden: 16, output: 8 },
  batch: 8,
  epochs: 2,
};
const supcon = (loss: object, more: object = {}) => ({ ...settings, loss: { supcon: loss }, ...more });
const [inMemory, inStore] = [{ residentMiB: 1024 }, { residentMiB: 0 }];

const trainingOf = (run: string, config: object, data: object, dataset: ArtifactRef) =>
  openRun({ store, run, dataset, config, data });

/** The digests of two epochs, and the encoder. */
const twoEpochs = (run: string, config: object, data: object) =>
  trainEpochs(trainingOf(run, config, data, labelled), 2);

/** The state after an epoch, by the names of its variables; the digest of a state is also of its data set and config. */
async function oneEpoch(run: string, config: object, dataset: ArtifactRef) {
  await trainingOf(run, config, inMemory, dataset).train(1);
  const { newest } = await openCheckpoints(store, { run, step: 'pretrain' }).newestValid();
  if (!newest) throw new Error('there is no checkpoint');
  return Object.fromEntries(
    [...newest.tensors].map(([name, { data }]) => [name, Buffer.from(data).toString('base64')]),
  );
}

describe('a training by several labels of a table', () => {
  it('ends with the bits of one by classes where the one label of each image is its class', async () => {
    const byClass = await oneEpoch('by-class', supcon({}), await prepare());
    const sameImages = await prepare(['label']);
    for (const positives of ['any', 'share'])
      expect(await oneEpoch(`by-label-${positives}`, supcon({ positives }), sameImages)).toEqual(byClass);
  });

  it('goes by what it is told to: each way has weights of its own', async () => {
    const states = [];
    for (const positives of ['class', 'any', 'share'])
      states.push(JSON.stringify(await oneEpoch(`way-${positives}`, supcon({ positives }), labelled)));
    expect(new Set(states).size).toBe(3);
  });

  for (const [name, config] of Object.entries({
    any: supcon({ positives: 'any' }),
    'share, with a queue': supcon({ positives: 'share', queue: 24 }),
    'share, in parts, with a queue and small views': supcon(
      { positives: 'share', queue: 24 },
      { microbatch: 4, multiCrop: { views: 2, size: 16 } },
    ),
    'any, operation by operation, balanced by class': supcon(
      { positives: 'any' },
      { engine: 'eager', sampler: { balanced: { perClass: 4 } } },
    ),
  })) {
    const run = name.replaceAll(/\W+/g, '-');
    it(`has the same bits with images in memory and in the store, and resumed in an epoch that the other way began (${name})`, async () => {
      const expected = await twoEpochs(`${run}-in-memory`, config, inMemory);
      // The first report is that the training is opened.
      const stopped = trainingOf(`${run}-in-store`, config, inMemory, labelled).train(1, undefined, 3);
      await expect(stopped).rejects.toBeInstanceOf(JobStopped);
      await expect(stopped).rejects.toMatchObject({ at: { epoch: 0, step: 2 } });
      const resumedFrom = { epoch: 0, step: 2 };
      expect(await twoEpochs(`${run}-in-store`, config, inStore)).toEqual({ ...expected, resumedFrom });
    });
  }

  it('has no count of batches without two images of a class, which it does not go by', () => {
    const factsOf = (positives: 'class' | 'share') =>
      contrastiveFacts({ config: trainingConfigSchema.parse(supcon({ positives })), batch: 8, perClass: [20, 20] });
    expect(factsOf('class')).toEqual({ collapsedLoss: Math.log(15), withoutPositives: 0 });
    expect(factsOf('share')).toEqual({ collapsedLoss: Math.log(15) });
  });

  it('does not begin on a data set without further labels', async () => {
    await expect(oneEpoch('none', supcon({ positives: 'any' }), await prepare())).rejects.toMatchObject({
      code: 'InvalidInput',
    });
  });
});
