import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import { pretrainParameters } from '../../contracts/kinds/pretrain.ts';
import type { RawSplit } from '../../datasets/index.ts';
import { sizesOf, writeUnbalanced } from '../../examples/unbalanced/folder.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-unbalanced-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Images of 2x2 whose pixels are their row. */
const split = (count: number): RawSplit => ({
  count,
  labels: Int32Array.from({ length: count }, (_, row) => row % 3),
  digests: new Uint8Array(32 * count),
  read: async (row) => ({ pixels: new Uint8Array(4).fill(row), width: 2, height: 2, channels: 1, label: row % 3 }),
  nameOf: String,
});
const classes = ['T-shirt/top', 'Trouser', 'Bag'];

describe('an unbalanced folder', () => {
  it('has classes whose sizes fall evenly on a logarithmic scale', () => {
    expect(sizesOf(10, { largest: 2000, smallest: 20 })).toEqual([2000, 1199, 719, 431, 258, 155, 93, 56, 33, 20]);
    expect(sizesOf(1, { largest: 5, smallest: 2 })).toEqual([5]);
  });

  it('has the first images of each class to learn from, and as many of each to be measured on', async () => {
    const path = join(folder, 'made');
    const sizes = { largest: 8, smallest: 2, test: 3 };
    const made = await writeUnbalanced({ classes, train: split(60), test: split(30) }, path, sizes);
    expect([...made]).toEqual([
      ['T-shirt-top', 8],
      ['Trouser', 4],
      ['Bag', 2],
    ]);
    expect((await readdir(join(path, 'train', 'Bag'))).sort()).toEqual(['00002.png', '00005.png']);
    expect(await readdir(join(path, 'test', 'Trouser'))).toHaveLength(3);
    const image = sharp(join(path, 'train', 'Bag', '00005.png'));
    expect(await image.metadata()).toMatchObject({ width: 2, height: 2, channels: 1 });
    expect((await image.raw().toBuffer())[0]).toBe(5);
  });

  it('is not there where a class has too few, and never written over', async () => {
    const path = join(folder, 'short');
    const short = { classes, train: split(6), test: split(30) };
    await expect(writeUnbalanced(short, path, { largest: 8, smallest: 2, test: 3 })).rejects.toThrow(
      '6 images too few',
    );
    expect(await readdir(folder)).toEqual(['made']);
    const again = { classes, train: split(60), test: split(30) };
    await expect(writeUnbalanced(again, join(folder, 'made'), { largest: 8, smallest: 2, test: 3 })).rejects.toThrow(
      'is there already',
    );
  });
});

const planOf = async (path: string) =>
  (await openPipelineFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), { runCode: false })).plan({});

describe('the pipeline of the unbalanced catalogue', () => {
  it('has two arms that differ in how batches are drawn and in the length of an epoch alone', async () => {
    const { steps } = await planOf('examples/unbalanced/unbalanced.yaml');
    const configs = steps.flatMap((step) =>
      step.uses === 'pretrain' ? [{ arm: step.matrix?.of, ...pretrainParameters.parse(step.with) }] : [],
    );
    expect(new Set(configs.map(({ sampler }) => sampler?.balanced.perClass))).toEqual(new Set([undefined, 16]));
    const rest = configs.map(({ arm: _, sampler: __, minimumSteps: ___, epochs: ____, seed: _____, ...each }) =>
      JSON.stringify(each),
    );
    expect(new Set(rest).size).toBe(1);
    const trained = Math.floor(0.9 * 4964);
    const stepsOf = ({ epochs, batch, minimumSteps = 1 }: (typeof configs)[number]) =>
      epochs * Math.max(minimumSteps, Math.floor(trained / batch));
    const [least, most] = [Math.min(...configs.map(stepsOf)), Math.max(...configs.map(stepsOf))];
    expect(most / least).toBeLessThan(1.03);
  });
});

describe('the pipeline of the heads', () => {
  it('trains behind three heads under the same budget, and searches by embeddings and by what the heads make of them', async () => {
    const { steps } = await planOf('docs/results/heads.yaml');
    const configs = steps.flatMap((step) => (step.uses === 'pretrain' ? [pretrainParameters.parse(step.with)] : []));
    expect(new Set(configs.map(({ projection }) => JSON.stringify(projection)))).toEqual(
      new Set(['"none"', '{"hidden":0,"output":64}', '{"hidden":128,"output":64}']),
    );
    expect(new Set(configs.map(({ projection: _, seed: __, ...each }) => JSON.stringify(each))).size).toBe(1);
    const searches = steps.filter(({ uses }) => uses === 'retrieval');
    expect(
      searches
        .map(({ with: { of = 'embedding' } }) => of)
        .sort()
        .join(),
    ).toMatch(/^(embedding,){9}(projection,?){6}$/);
  });
});
