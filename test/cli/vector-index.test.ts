import { describe, expect, it } from 'vitest';
import { indexAddCommand } from '../../cli/commands/index/add.ts';
import { indexBuildCommand } from '../../cli/commands/index/build.ts';
import { indexRemoveCommand } from '../../cli/commands/index/remove.ts';
import { indexShowCommand } from '../../cli/commands/index/show.ts';
import { modelsRollbackCommand } from '../../cli/commands/models/rollback.ts';
import { modelsShowCommand } from '../../cli/commands/models/show.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { changeIndex } from '../../evaluation/promotion/change-index.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { addVersion, loadVersions, savePlan, saveStepResult } from '../../store/index.ts';
import { clustered, encoderOf, type GivenVectors, indexOf, vectorsOf } from '../vectors/vectors.ts';
import { commandHome } from './command-home.ts';

/** The real commands, on a store with a model and runs that embedded images. */
const { store, outputs } = await commandHome('index-cli');

const rows = clustered(60, { dimension: 8, clusters: 6 }).map((vector, at) => ({
  name: `${at}.jpg`,
  vector,
  label: at % 6 === 0 ? 'coat' : 'shirt',
  group: `product ${Math.floor(at / 2)}`,
}));
const zeros = { vector: Array.from({ length: 8 }, () => 0) };
const plan = parsePipeline({
  file: 'p.yaml',
  text: 'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n',
});
async function embedded(run: string, given: GivenVectors, steps = ['embed']): Promise<ArtifactRef> {
  const vectors = await vectorsOf(store, given);
  await savePlan(store, run, plan);
  for (const step of steps) await saveStepResult(store, { run, step }, { fingerprint: '{}', result: { vectors } });
  return vectors;
}
const promoted = (model: string, run = 'first') =>
  addVersion(store, {
    model,
    version: 1,
    run,
    step: 'promote',
    encoder: encoderOf('encoder'),
    classifier: null,
    evaluation: { kind: 'retrieval', digest: '0'.repeat(64) },
    metrics: { recallAt1: 0.5 },
    testSet: '1'.repeat(64),
    reason: 'the first model of this name',
  });
const current = async () => {
  const last = (await loadVersions(store, 'shirts')).at(-1);
  if (!last) throw new Error('there is no version');
  return last;
};

describe('contrail index', () => {
  it('builds, adds, removes and shows, each change a version that a rollback takes back', async () => {
    await promoted('shirts');
    await embedded('first', { rows: rows.slice(0, 40) });
    await embedded('second', { rows: rows.slice(30) });
    expect(await indexBuildCommand('shirts', { json: false })).toBe(0);
    expect(outputs.err).toBe('shirts is now version 2: index built of 40 images, exact.\n');
    await indexAddCommand('shirts', 'second', { json: false });
    expect(outputs.err).toContain(
      '10 images were in it already.\nshirts is now version 3: index changed, 20 added: 60 images, exact.\n',
    );
    await indexRemoveCommand('shirts', {
      name: ['1.jpg'],
      prefix: [],
      group: ['product 1'],
      label: ['coat'],
      json: true,
    });
    expect(JSON.parse(outputs.out)).toMatchObject({ model: 'shirts', version: 4, removed: 13, count: 47 });
    expect((await loadVersions(store, 'shirts')).map(({ encoder }) => encoder)).toEqual(
      Array.from({ length: 4 }, () => encoderOf('encoder')),
    );
    outputs.out = '';
    await indexShowCommand('shirts', { json: false });
    expect(outputs.out).toMatch(/^images +47 *$/m);
    expect(outputs.out).toMatch(/^made of +[0-9a-f]{12}: 0 added, 0 replaced, 13 removed *$/m);
    expect(outputs.out).toMatch(/^shirt +47 *$/m);
    expect(outputs.out).toMatch(/^model/);
    expect(outputs.out).toMatch(/^ {2}version 4: [0-9a-f]{12}, 47 images, changed, /m);
    expect(outputs.out).toMatch(/^ {2}version 2: [0-9a-f]{12}, 40 images, built of 40 images, exact$/m);
    await modelsRollbackCommand('shirts', { json: false });
    const versions = await loadVersions(store, 'shirts');
    expect(versions.at(-1)?.index).toEqual(versions[2]?.index);
    outputs.out = '';
    await modelsShowCommand('shirts', { json: false });
    expect(outputs.out).toMatch(new RegExp(`^ *4 .*${versions[3]?.index?.digest.slice(0, 12)}`, 'm'));
  });

  it('changes nothing where the index has all that is added', async () => {
    const { version } = await current();
    await indexAddCommand('shirts', 'second', { json: false });
    expect(outputs.err).toBe('shirts stays as it is: its index has all 30 images already.\n');
    expect((await current()).version).toBe(version);
  });

  it('shows every image in the classes, and of a promotion that it brought the index', async () => {
    const index = await indexOf(store, {
      rows: rows
        .slice(0, 20)
        .map(({ label, ...row }, at) => ({ ...row, ...(at < 12 ? { label: `class ${at}` } : {}) })),
      encoder: encoderOf('encoder'),
    });
    const evaluation = { kind: 'retrieval', digest: '0'.repeat(64) } as const;
    const of = { run: 'first', step: 'promote', encoder: encoderOf('encoder'), classifier: null, evaluation, index };
    const facts = { metrics: {}, testSet: '1'.repeat(64), reason: 'recall@1 0.5000 to 0.6000, better by 0.1000' };
    await addVersion(store, { model: 'partly', version: 1, ...of, ...facts });
    outputs.out = '';
    await indexShowCommand('partly', { json: false });
    expect(outputs.out).toMatch(
      /^class +images *\n(class \d+ +1 *\n){10}all other classes +2 *\nwithout a label +8 *$/m,
    );
    expect(outputs.out).toMatch(/^ {2}version 1: [0-9a-f]{12}, 20 images, came with the model$/m);
  });

  it('keeps images of equal names apart by a prefix, and says which took the place of another file', async () => {
    await promoted('shops');
    const shop = (of: string, from: number) =>
      rows.slice(from, from + 4).map(({ vector }, at) => ({ name: `${at}.jpg`, vector, source: `${of} ${at}` }));
    await embedded('shop-a', { rows: shop('a', 0) });
    await embedded('shop-b', { rows: [...shop('b', 10), { ...zeros, name: 'black.jpg' }] });
    await embedded('shop-c', { rows: [...shop('c', 20), ...shop('d', 30).slice(0, 1)] });
    const told = async (work: Promise<number>) => {
      outputs.err = '';
      await work;
      return outputs.err;
    };
    const names = async (prefix: string | true) => {
      outputs.out = '';
      await indexShowCommand('shops', { names: prefix, json: true });
      return JSON.parse(outputs.out).map(({ name }: { name: string }) => name);
    };
    await indexBuildCommand('shops', { from: 'shop-a', prefix: 'a/', json: false });
    expect(await told(indexAddCommand('shops', 'shop-b', { prefix: 'b/', json: false }))).toBe(
      '1 image is left out of the index:\n  black.jpg has an embedding of zeros, which is like nothing\nshops is now version 3: index changed, 4 added: 8 images, exact.\n',
    );
    expect(await names(true)).toEqual([
      ...[0, 1, 2, 3].map((at) => `a/${at}.jpg`),
      ...[0, 1, 2, 3].map((at) => `b/${at}.jpg`),
    ]);
    expect(await told(indexAddCommand('shops', 'shop-c', { prefix: 'b/', json: false }))).toBe(
      [
        '1 image has the name of another one that was added at the same time; the last of each name is taken: b/0.jpg.',
        '4 images took the place of another file of the same name: b/0.jpg, b/1.jpg, b/2.jpg, b/3.jpg. If these are images of two folders, `contrail models rollback` takes the change back, and --prefix keeps their names apart.',
        'shops is now version 4: index changed, 4 replaced: 8 images, exact.\n',
      ].join('\n'),
    );
    await indexRemoveCommand('shops', { name: ['a/0.jpg'], prefix: ['b/'], group: [], label: [], json: true });
    expect(await names('a/')).toEqual(['a/1.jpg', 'a/2.jpg', 'a/3.jpg']);
    expect(await names('b/')).toEqual([]);
    await expect(
      indexRemoveCommand('shops', { name: [], prefix: ['b/'], group: [], label: [], json: true }),
    ).rejects.toThrow('The index has no image whose name begins with b/, so nothing was removed.');
    await expect(indexAddCommand('shops', 'shop-a', { prefix: '', json: false })).rejects.toMatchObject({
      code: 'Usage',
    });
  });

  it('changes nothing where the model has changed meanwhile', async () => {
    const [first, second] = await loadVersions(store, 'shirts');
    if (!first || !second?.index) throw new Error('there are no versions');
    expect(await changeIndex(store, first, second.index, 'late')).toBeNull();
  });

  it('says what is wrong, and what to do', async () => {
    await promoted('bare');
    await promoted('bare-run', 'none');
    await embedded('foreign', { rows, encoder: encoderOf('another') });
    await embedded('several', { rows }, ['a', 'b']);
    await savePlan(store, 'none', plan);
    const build = (from: string, more: object = {}) => indexBuildCommand('shirts', { from, json: false, ...more });
    const usage = (message: string) => ({ code: 'Usage', message: expect.stringContaining(message) });
    await expect(build('foreign')).rejects.toMatchObject(usage('Embed the images with shirts.'));
    await expect(build('none')).rejects.toMatchObject(usage('No step of none has embedded images yet'));
    await expect(build('several')).rejects.toMatchObject(usage('Name one, as several/a: a, b.'));
    await expect(indexBuildCommand('bare-run', { json: false })).rejects.toMatchObject(
      usage('No step of none has embedded images yet. To index images of your own, embed the images with'),
    );
    await expect(build('several/c')).rejects.toMatchObject(usage('several has no step c'));
    await expect(build('first', { connectivity: 1 })).rejects.toMatchObject(usage('--connectivity: '));
    await expect(indexShowCommand('bare', { json: false })).rejects.toMatchObject(
      usage(
        'Version 1 of bare has no index of its own. To give it one, embed the images with `contrail embed <images> --model bare --to <file>`, then `contrail index build bare --from <run>`',
      ),
    );
    await expect(indexShowCommand('nobody', { json: false })).rejects.toMatchObject(usage('There is no model nobody.'));
    await expect(
      indexRemoveCommand('shirts', { name: [], prefix: [], group: [], label: [], json: false }),
    ).rejects.toMatchObject(usage('Say what to remove'));
    await expect(
      indexRemoveCommand('shirts', { name: ['x.jpg'], prefix: [], group: [], label: [], json: false }),
    ).rejects.toThrow('The index has no image x.jpg');
  });
});
