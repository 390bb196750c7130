import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ActivityContext } from '../../activities/context.ts';
import { openTraining } from '../../activities/open-training.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { mostLearnedClasses } from '../../contracts/losses.ts';
import { formOf } from '../../datasets/form.ts';
import { digestsOf } from '../../datasets/row-digests.ts';
import { createShardWriter } from '../../datasets/shard-writer.ts';
import { createArtifactWriter, openStore } from '../../store/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-open-training-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const store = openStore(folder);

/** A data set with so many training images of each class. */
async function datasetOf(perClass: readonly number[], colours?: readonly string[]) {
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
    const colour = colours?.[row];
    const facts = colours ? { name: String(row), labels: colour ? { colour } : {} } : null;
    const other = { encoded: null, facts };
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
    ...(colours ? { labels: ['colour'] } : {}),
    rejected: [],
  });
}

const open = async (perClass: readonly number[], parameters: object = {}, colours?: readonly string[]) =>
  openTraining({ store } as ActivityContext, {
    run: 'lone',
    step: 'pretrain',
    uses: 'pretrain',
    dataset: await datasetOf(perClass, colours),
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

it('a loss that learns class vectors needs no pair; the others say which has none', async () => {
  await expect(open([1, 1], { loss: 'arcFace' })).resolves.toMatchObject({ found: null });
  await expect(open([1, 1], { loss: 'multiSimilarity' })).rejects.toMatchObject({
    message: expect.stringContaining('so multi-similarity has no pair of one class to learn from'),
  });
});

it('a loss that learns class vectors is refused where the data set has more classes than it compares a batch with', async () => {
  const many = [1, 1, ...Array<number>(mostLearnedClasses - 1).fill(0)];
  const refused = open(many, { loss: 'normalisedSoftmax' });
  await expect(refused).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(
      /^loss\.normalisedSoftmax .* at most 65536 classes; .* made has 65537\. Choose .*supcon/,
    ),
  });
});

it('a training by several labels is refused, by name, where the data set has none, or no two images share one', async () => {
  const byLabels = (positives: string) => ({ loss: { supcon: { positives } } });
  for (const positives of ['any', 'share'])
    await expect(open([2, 2], byLabels(positives))).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(
        new RegExp(`^loss\\.supcon\\.positives: ${positives} .* the data set made has none\\. .*columns: \\{ labels`),
      ),
    });
  await expect(open([2, 1], byLabels('any'), ['red', '', 'blue'])).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(/^No two training images share a label \(colour\)/),
  });
  const alone = { ...byLabels('any'), health: { withoutPositives: { action: 'ignore' } } };
  await expect(open([2, 1], alone, ['red', '', 'blue'])).resolves.toMatchObject({ found: null });
});

it('a training by several labels needs no two images of one class', async () => {
  const byLabels = { loss: { supcon: { positives: 'any' } } };
  await expect(open([1, 1, 1], byLabels, ['red', '', 'red'])).resolves.toMatchObject({ found: null });
});
