import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ActivityContext } from '../../activities/context.ts';
import { openTraining } from '../../activities/open-training.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { formOf } from '../../datasets/form.ts';
import { digestsOf } from '../../datasets/row-digests.ts';
import { createShardWriter } from '../../datasets/shard-writer.ts';
import { createArtifactWriter, openStore } from '../../store/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-open-training-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const store = openStore(folder);

/** A data set with so many training images of each class. */
async function datasetOf(perClass: readonly number[]) {
  const artifact = createArtifactWriter(store, 'dataset');
  const shards = createShardWriter(artifact, {
    classes: perClass.length,
    form: formOf(prepareDataParameters.parse({ dataset: 'generated' })),
  });
  const labels = perClass.flatMap((count, label) => Array<number>(count).fill(label));
  const digests = await digestsOf(labels.length, (row) => Uint8Array.of(row));
  for (const [row, label] of labels.entries()) {
    const digest = digests.subarray(32 * row, 32 * row + 32);
    const image = { pixels: new Uint8Array(1024).fill(row), channels: 1, label, name: String(row) } as const;
    const other = { encoded: null, facts: null };
    await shards.add('train', { ...image, ...other, digests: { source: digest, pixels: digest } });
  }
  const train = await shards.finish('train');
  const empty = { shards: [], count: 0, perClass: perClass.map(() => 0) };
  return artifact.finish({
    name: 'made',
    classes: perClass.map((_, label) => `class-${label}`),
    image: { height: 32, width: 32, channels: 1 },
    mean: [0.5],
    deviation: [1],
    splits: { train, validation: empty, test: empty },
    rejected: [],
  });
}

const open = async (perClass: readonly number[], parameters: Record<string, never> | object = {}) =>
  openTraining({ store } as ActivityContext, {
    run: 'lone',
    step: 'pretrain',
    uses: 'pretrain',
    dataset: await datasetOf(perClass),
    parameters: { epochs: 1, ...parameters },
    accept: false,
  });

it('a contrastive training of classes with one image each is refused before its first epoch, and no batch is advised', async () => {
  const refused = open([1, 1, 1]);
  await expect(refused).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(/^No class of the data set has two training images/),
  });
  await expect(refused).rejects.not.toMatchObject({ message: expect.stringMatching(/batch/i) });
});

it('one class with two images is enough, and who wants views alone may say so', async () => {
  await expect(open([1, 2])).resolves.toMatchObject({ found: null });
  await expect(open([1, 1], { health: { withoutPositives: { action: 'ignore' } } })).resolves.toMatchObject({
    found: null,
  });
});
