import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import {
  classifierConfigSchema,
  dataSchema,
  type TrainingConfig,
  trainingConfigSchema,
} from '../../contracts/training.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { closeSession, openSession, trainToEndOfEpoch } from '../../training/session.ts';

/** Eight classes of six images, four of bags and four of hats by turns; two classes in a batch, three images of each. */
const [classes, images] = [8, 6];
let folder = '';
let store: Store;
let sorted: ArtifactRef;
let unsorted: ArtifactRef;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-hard-'));
  store = openStore(join(folder, 'store'));
  await mkdir(join(folder, 'images'));
  const rows = ['image,label,kind,colour'];
  for (let at = 0; at < classes * images; at++) {
    const label = at % classes;
    const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, index) => Math.imul(index + 1, 97 * at + 5) >>> 3);
    const raw = { width: 16, height: 16, channels: 3 } as const;
    await writeFile(join(folder, `images/${at}.png`), await sharp(pixels, { raw }).png().toBuffer());
    // One image of a class may be filed elsewhere.
    const kind = (label % 2 === 0) !== at < 2 ? 'bag' : 'hat';
    rows.push(`images/${at}.png,class ${label},${kind},red`);
  }
  await writeFile(join(folder, 'products.csv'), rows.join('\n'));
  const prepare = async (columns: object) =>
    (
      await prepareDataset(
        store,
        prepareDataParameters.parse({
          ...{ dataset: 'table', path: join(folder, 'products.csv'), size: 16, validation: 0, test: 0 },
          columns: { labels: ['colour'], ...columns },
        }),
        { cacheFolder: folder },
      )
    ).ref;
  [sorted, unsorted] = await Promise.all([prepare({ category: 'kind' }), prepare({})]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settings = { encoder: { name: 'small-resnet', channels: 4, blocks: [1] }, batch: 6, epochs: 3 };
const supcon = (within: string | undefined, changes: object = {}): TrainingConfig =>
  trainingConfigSchema.parse({
    ...{ ...settings, projection: { hidden: 8, output: 4 } },
    ...{ sampler: { balanced: { perClass: 3, within } }, ...changes },
  });
const open = (dataset: ArtifactRef, config: TrainingConfig) =>
  openSession(store, dataset, config, { data: dataSchema.parse({}), onCheck: () => {} });

/** The classes of each batch of an epoch. */
async function setsOf({ planOf, source }: Awaited<ReturnType<typeof open>>, epoch: number) {
  const labels = await source.classes();
  const plan = planOf(epoch);
  return Array.from({ length: plan.steps }, (_, step) => [
    ...new Set(Array.from(plan.indices(step), (row) => labels[row] ?? -1)),
  ]);
}

describe('batches within a category', () => {
  it('have classes whose images are mostly of one category', async () => {
    const session = await open(sorted, supcon('category'));
    for (const epoch of [1, 2])
      for (const [a = 0, b = 0] of await setsOf(session, epoch)) expect(a % 2, `${a} and ${b}`).toBe(b % 2);
    await closeSession(session);
  });

  it('need categories', async () => {
    await expect(open(unsorted, supcon('category'))).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/within: category, but no training image has a category/),
    });
  });
});

describe('batches of classes that were confused', () => {
  it('are any in the first epoch, and then those that the training was left with', async () => {
    const [confused, any] = [await open(sorted, supcon('confused')), await open(sorted, supcon(undefined))];
    const [before, ofAny] = [await setsOf(confused, 1), await setsOf(any, 1)];
    expect(before).toEqual(ofAny);
    await trainToEndOfEpoch(confused, async () => false);
    const nearest = confused.model.neighbours?.read(confused.execution) ?? [];
    expect(nearest.map((near) => near.length)).toEqual(Array(classes).fill(classes - 1));
    const [[first = 0, second] = []] = await setsOf(confused, 2);
    expect(second).toBe(nearest[first]?.[0]);
    // A step of the next epoch leaves its batches as they are.
    const planned = await setsOf(confused, 2);
    await trainToEndOfEpoch(confused, async () => true);
    expect(await setsOf(confused, 2)).toEqual(planned);
    for (const each of [confused, any]) await closeSession(each);
  });

  it('are found by a batch in parts as well', async () => {
    const session = await open(sorted, supcon('confused', { microbatch: 3 }));
    await trainToEndOfEpoch(session, async () => false);
    expect(session.model.neighbours?.read(session.execution)[0]).toHaveLength(classes - 1);
    await closeSession(session);
  });

  it('are refused where a step does not have outputs and classes of the batch', async () => {
    const byLabels = supcon('confused', { loss: { supcon: { positives: 'any' } } });
    await expect(open(sorted, byLabels)).rejects.toThrow(
      /within: confused does not go with loss\.supcon\.positives that go by further labels/,
    );
    const sampler = { balanced: { perClass: 3, within: 'confused' } };
    const inParts = classifierConfigSchema.parse({ ...settings, sampler, microbatch: 3 });
    await expect(open(sorted, inParts)).rejects.toThrow(
      /within: confused does not go with microbatch and a loss that takes the parts of a batch one by one/,
    );
  });
});
