import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef, SplitName } from '../../../contracts/artifacts.ts';
import { loadSplit, randomDraws, readRowDigests } from '../../../datasets/index.ts';
import { createDatasetWriter } from '../../../pipelines/dataset.ts';
import { openStore, type Store } from '../../../store/index.ts';
import { openEncoder } from '../../../training/index.ts';
import { openRun, trainEpochs } from '../../training/run.ts';
import { type Image, runDrift, writeVectors } from './vectors.ts';

/**
 * An encoder that has learnt its training images by heart: few of them, always seen as they are. It embeds them unlike any other
 * image, so that recent images would always look new beside them.
 */
let folder = '';
let store: Store;
let encoder: ArtifactRef;
const embedded: Partial<Record<SplitName, readonly Image[]>> = {};
const of = (split: SplitName) => embedded[split] ?? [];

const side = 8;
const counts = { train: 120, validation: 200, test: 200 } as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-drift-'));
  store = openStore(folder);
  const classes = ['one', 'two', 'three', 'four'];
  const writer = createDatasetWriter(folder, { classes, channels: 1, size: side });
  for (const [split, count] of Object.entries(counts))
    for (let at = 0; at < count; at++) {
      const [shape, noise] = [randomDraws(1, 'class', at % 4), randomDraws(2, `noise ${split}`, at)];
      const pixels = Uint8Array.from(
        { length: side * side },
        (_, x) => 0.35 * (shape(x) >>> 24) + 0.65 * (noise(x) >>> 24),
      );
      const image = { pixels, height: side, width: side, channels: 1 as const };
      await writer.add({ ...image, class: classes[at % 4] ?? '', split: split as keyof typeof counts });
    }
  const dataset: ArtifactRef = { kind: 'dataset', digest: (await writer.finish()).digest };
  const config = {
    encoder: { name: 'small-resnet', channels: 16, blocks: [1] },
    projection: { hidden: 16, output: 16 },
    optimizer: { name: 'adam', learningRate: 0.01 },
    augmentation: 'none',
    batch: 60,
    epochs: 15,
  };
  ({ encoder } = (await trainEpochs(openRun({ store, run: 'drift', dataset, config }), config.epochs)).made);
  const frozen = await openEncoder(store, encoder);
  for (const split of Object.keys(counts) as (keyof typeof counts)[]) {
    const { images, count } = await loadSplit(store, dataset, split);
    const features = await frozen.features(images, count);
    const digests = await readRowDigests(store, dataset, split);
    embedded[split] = Array.from({ length: count }, (_, row) => ({
      embedding: features.slice(row * frozen.dimension, (row + 1) * frozen.dimension),
      row: { name: `${split}/${row}`, source: digests?.source[row] ?? '' },
    }));
  }
  frozen.dispose();
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const write = (images: readonly Image[]) => writeVectors(store, encoder, images);
const within = (split: 'train' | 'validation', images: readonly Image[]) =>
  images.map(({ embedding, row }): Image => ({ embedding, row: { ...row, split } }));

describe('fresh images, beside those of the training of an encoder that knows these by heart', () => {
  it('are unchanged: they are compared with validation images', async () => {
    const reference = await write([...within('train', of('train')), ...within('validation', of('validation'))]);
    const { result } = await runDrift(store, { recent: await write(of('test')), reference });
    expect(result).toMatchObject({ verdict: 'unchanged' });
  });

  it('would have drifted if training images passed for held-out ones', async () => {
    const half = of('train').length / 2;
    const disguised = of('train').map(
      ({ embedding, row }): Image => ({
        embedding,
        row: { ...row, source: createHash('sha256').update(row.name).digest('hex') },
      }),
    );
    const reference = await write([
      ...within('train', disguised.slice(0, half)),
      ...within('validation', disguised.slice(half)),
    ]);
    const { result } = await runDrift(store, { recent: await write(of('test')), reference });
    expect(result.verdict).toBe('drifted');
  });

  it('are refused where a folder holds training images alone, which their files give away', async () => {
    const reference = await write(of('train'));
    await expect(runDrift(store, { recent: await write(of('test')), reference })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('only images that the encoder was trained on'),
    });
  });

  it('do not count where they are training images themselves', async () => {
    const reference = await write(within('validation', of('validation')));
    const { result } = await runDrift(store, { recent: await write(of('train')), reference });
    expect(result).toMatchObject({ verdict: 'too few', images: 0 });
  });
});
