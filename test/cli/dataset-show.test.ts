import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { datasetShowCommand } from '../../cli/commands/dataset/show.ts';
import { forgottenLines } from '../../cli/forgotten-since.ts';
import { displayWidth } from '../../contracts/display-width.ts';
import { attemptFailed, attemptStarted, attemptStopped } from '../../contracts/logs.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openRunLog, saveForgotten } from '../../store/index.ts';
import { images, png, useImageFolders, write } from '../datasets/image-folder.ts';
import { preparedStep } from '../datasets/prepared-step.ts';
import { commandHome } from './command-home.ts';

useImageFolders();

/** The real command on the store of runs whose server is gone: nothing but the store is asked. */
const { store, outputs } = await commandHome('dataset-show');

const show = async (
  run: string,
  options: { step?: string; rejected?: boolean; class?: string; json?: boolean } = {},
) => {
  await datasetShowCommand(run, { rejected: false, json: false, ...options });
  return outputs.out;
};

const plan = parsePipeline({
  file: 'p.yaml',
  text: 'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: image-folder, path: photos } }\n  other: { uses: prepare-data, with: { dataset: generated } }\n',
});

const prepared = (run: string, params: object = {}) => preparedStep(store, { run, plan, params });

const photos = async () =>
  write({
    'train/coat': 5,
    'train/shirt': 4,
    'test/coat': 1,
    'train/coat/cut.png': (await png(250)).subarray(0, 60),
    'train/coat/deep/page.jpg': '<!doctype html><html></html>',
    'train/shirt/empty.png': '',
    'train/shirt/.DS_Store': 'x',
  });

describe('contrail dataset show', () => {
  it('shows splits, classes, the account, and why files were rejected, in 80 columns', async () => {
    await photos();
    await prepared('first');
    const text = await show('first');
    expect(text).toMatch(/^data: images, 2 classes, 32x32 in colour\ndataset [0-9a-f]{64}\n/);
    expect(text).toMatch(/^train +9 +2 *$/m);
    expect(text).toMatch(/^test +1 +1 *$/m);
    expect(text).toMatch(/^class +train +validation +test *\ncoat +5 +0 +1 *\nshirt +4 +0 +0 *$/m);
    expect(text).toMatch(/^found +14 *\nused +10 *\nleft out by limit +0 *\nrejected +3 *\nignored \(macOS 1\) +1 *$/m);
    expect(text).toMatch(/^coat +8 +6 +2 *\nshirt +5 +4 +1 *$/m);
    expect(text).toContain('  train/coat/deep/page.jpg\n    is a web page (HTML), not an image\n');
    expect(text).toContain('warning: No test image of 1 of 2 classes (shirt)');
    expect(text).toContain(`folder: ${images}\nevery file: ${store.locate('runs/first/report/data-files.tsv')}\n`);
    const paths = /^(folder|every file): /;
    for (const line of text.split('\n'))
      if (!paths.test(line)) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
    expect(text).toContain('other: not prepared yet.');
  });

  it('names what images have labels of besides their class', async () => {
    const rows = ['coat', 'shirt'].flatMap((label) => [0, 1].map((at) => `${label}/${at}.png,${label},red,plain`));
    await write({ coat: 2, shirt: 2, 'products.csv': ['image,label,colour,type', ...rows].join('\n') });
    const table = { dataset: 'table', path: join(images, 'products.csv') };
    await prepared('labelled', { ...table, columns: { labels: ['colour', 'type'] } });
    expect(await show('labelled')).toMatch(/^dataset [0-9a-f]{64}\nlabels of colour, type\n/m);
    outputs.out = '';
    expect(JSON.parse(await show('labelled', { json: true }))).toMatchObject({
      datasets: [{ labels: ['colour', 'type'] }, {}],
    });
  });

  /** A table of which three rows are rejected and one is left out by a correction. Not every folder is called as its class. */
  async function products() {
    const rows = [
      ...[0, 1, 2].map((at) => `coat/${at}.png,Mantel`),
      ...[0, 1, 2].map((at) => `shirt/${at}.png,shirt`),
      ...['coat/gone.png,Mantel', 'lost/gone.png,Mantel', 'shirt/gone.png,shirt'],
    ];
    await write({
      ...{ coat: 3, shirt: 3, 'products.csv': ['image,label', ...rows].join('\n') },
      'relabels.csv': 'image,label\ncoat/2.png,-\n',
    });
    return { dataset: 'table', path: join(images, 'products.csv') };
  }

  it('counts the rows of a table, and what corrections left out', async () => {
    const table = await products();
    await prepared('table', table);
    const text = await show('table', { step: 'data' });
    expect(text).toMatch(/^rows *\nfound +9 *\nused +6 *\nleft out by limit +0 *\nrejected +3 *\nignored +0 *$/m);
    expect(text).toContain('Classes with rejected rows');
    expect(text).toContain('Rejected rows\n  coat/gone.png\n');
    expect(text).toContain(`every row: ${store.locate('runs/table/report/data-files.tsv')}`);
    expect(text).not.toContain('rejected file');
    outputs.out = '';
    await prepared('corrected', { ...table, relabels: join(images, 'relabels.csv') });
    expect(await show('corrected', { step: 'data' })).toMatch(/^used +5 *\nleft out +1 *\nrejected +3 *$/m);
    outputs.out = '';
    expect(JSON.parse(await show('corrected', { step: 'data', json: true }))).toMatchObject({
      datasets: [{ table: { file: table.path }, relabels: { file: join(images, 'relabels.csv'), dropped: 1 } }],
    });
  });

  it('names the rejected rows of a class by what the table says, not by folders', async () => {
    await prepared('classed', await products());
    const text = await show('classed', { class: 'Mantel' });
    expect(text).toContain('coat/gone.png\n');
    expect(text).toContain('lost/gone.png\n');
    expect(text).not.toContain('shirt/gone.png');
    outputs.out = '';
    expect(JSON.parse(await show('classed', { class: 'shirt', json: true })).datasets[0].rejected).toEqual([
      { path: 'shirt/gone.png', reason: 'is not there', class: 'shirt' },
    ]);
  });

  it('counts the rows of a table that was refused, without the tables that were read', async () => {
    const table = { ...(await products()), relabels: join(images, 'relabels.csv') };
    await expect(prepared('refusedTable', { ...table, maximumRejected: 1 })).rejects.toMatchObject({
      code: 'InvalidDataset',
    });
    const text = await show('refusedTable', { step: 'data' });
    expect(text).toMatch(/^data: no data set was made of 9 rows\./);
    expect(text).toContain('Why rows were rejected\n');
    outputs.out = '';
    expect(JSON.parse(await show('refusedTable', { step: 'data', json: true }))).toMatchObject({
      datasets: [{ state: 'refused', of: 'rows', found: 9 }],
    });
  });

  it('is complete as JSON', async () => {
    await photos();
    await prepared('json', { limit: { train: 8 } });
    const { run, datasets } = z
      .object({ run: z.string(), datasets: z.array(z.record(z.string(), z.unknown())) })
      .parse(JSON.parse(await show('json', { json: true })));
    expect(run).toBe('json');
    expect(datasets).toEqual([
      {
        ...{ step: 'data', field: 'dataset', state: 'prepared', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
        ...{ name: 'images', image: { height: 32, width: 32, channels: 3 }, classes: ['coat', 'shirt'] },
        splits: {
          train: { images: 8, perClass: [4, 4] },
          validation: { images: 0, perClass: [0, 0] },
          test: { images: 1, perClass: [1, 0] },
        },
        files: { found: 14, used: 9, leftOut: 1, rejected: 3, ignored: 1 },
        ignored: { macOS: 1 },
        incomplete: [
          { class: 'coat', found: 8, used: 5, rejected: 2 },
          { class: 'shirt', found: 5, used: 4, rejected: 1 },
        ],
        reasons: expect.arrayContaining([{ reason: 'is empty (0 bytes)', count: 1, first: ['train/shirt/empty.png'] }]),
        rejected: [
          { path: 'train/coat/cut.png', reason: expect.stringMatching(/^is cut off or damaged/) },
          { path: 'train/coat/deep/page.jpg', reason: 'is a web page (HTML), not an image' },
          { path: 'train/shirt/empty.png', reason: 'is empty (0 bytes)' },
        ].map((each) => expect.objectContaining(each)),
        warnings: [expect.stringContaining('No test image')],
        copies: [],
        forgotten: 0,
        folder: images,
        list: store.locate('runs/json/report/data-files.tsv'),
      },
      { step: 'other', field: 'dataset', state: 'open' },
    ]);
  });

  it('names every rejected file with --rejected, and those of one class with --class', async () => {
    await photos();
    for (let at = 0; at < 15; at++) await write({ [`train/shirt/${at}.txt`]: 'text' });
    await prepared('many', { maximumRejected: 100 });
    const text = await show('many', { step: 'data' });
    expect(text).toContain('  15 files, first train/shirt/0.txt: is text, not an image\n');
    expect(text).toContain('and 8 more; --rejected shows all');
    outputs.out = '';
    expect((await show('many', { rejected: true })).match(/is text, not an image/g)).toHaveLength(15);
    outputs.out = '';
    const coat = await show('many', { class: 'coat' });
    expect(coat).toMatch(/^class +train +validation +test *\ncoat +5 +0 +1 *$/m);
    expect(coat).toContain('train/coat/cut.png');
    expect(coat).not.toContain('shirt');
    await expect(show('many', { class: 'dress' })).rejects.toMatchObject({
      code: 'Usage',
      message: 'The data of many has no class "dress". There is: coat, shirt.',
    });
  });

  it('says of a step that refused its data what it found', async () => {
    await photos();
    await expect(prepared('refused', { maximumRejected: 1 })).rejects.toMatchObject({ code: 'InvalidDataset' });
    const text = await show('refused', { step: 'data' });
    expect(text).toMatch(/^data: no data set was made of 13 files\./);
    expect(text).toContain('1 file: is empty (0 bytes)');
    expect(text).toContain(store.locate('runs/refused/report/data-files.tsv'));
  });

  it('says of a step that has begun and has neither failed nor made anything that it is being prepared', async () => {
    await photos();
    await expect(prepared('again', { maximumRejected: 1 })).rejects.toMatchObject({ code: 'InvalidDataset' });
    const log = openRunLog(store, 'again', 'worker');
    let at = 0;
    const logged = (level: 'info' | 'warn' | 'error', what: string) =>
      log.append([
        {
          time: new Date(at++).toISOString(),
          ...{ level, run: 'again', step: 'data', source: 'worker' as const, message: `prepareData: ${what}` },
        },
      ]);
    const state = async () => {
      outputs.out = '';
      return JSON.parse(await show('again', { step: 'data', json: true })).datasets[0].state;
    };
    await logged('info', attemptStarted(1));
    await logged('error', attemptFailed(1, 'InvalidDataset', 'bad', false));
    expect(await state()).toBe('refused');
    await logged('info', attemptStarted(1));
    expect(await state()).toBe('preparing');
    outputs.out = '';
    expect(await show('again', { step: 'data' })).toMatch(/^data: is being prepared, unless its worker has gone away/);
    await logged('warn', attemptStopped('cancelled'));
    expect(await state()).toBe('refused');
  });

  it('says how many images were forgotten since, as status does', async () => {
    await photos();
    const { ref } = await prepared('forgetful');
    expect(await show('forgetful', { step: 'data' })).not.toContain('forgotten');
    await saveForgotten(store, {
      ...{ format: 'contrail-forgotten/1', image: 'a.png', by: 'somebody', at: '2026-11-27T00:00:00.000Z' },
      sources: ['a'.repeat(64)],
      uses: { datasets: [ref.digest], emptied: [], trained: [], models: [], runs: [], unknown: [] },
    });
    outputs.out = '';
    const text = (await show('forgetful', { step: 'data' })).replaceAll(/\s+/g, ' ');
    expect(text).toContain(
      '1 image was forgotten since, and what held it is removed: `contrail retry forgetful data` prepares the data without.',
    );
    const result = { dataset: ref };
    expect(await forgottenLines(store, 'forgetful', [{ id: 'data', uses: 'prepare-data', result }])).toEqual([
      expect.stringMatching(/^data: 1 image was forgotten since/),
    ]);
    // They name a data set that they were given.
    for (const uses of ['choose', 'use-model'])
      expect(await forgottenLines(store, 'forgetful', [{ id: 'best', uses, result }])).toEqual([]);
    outputs.out = '';
    expect(JSON.parse(await show('forgetful', { json: true })).datasets[0]).toMatchObject({ forgotten: 1 });
  });

  it('is bounded for thousands of classes, and shows text of strangers on one line', async () => {
    const odd = 'new\nline \u001b[31mred';
    await write({ [`train/${odd}`]: 2 });
    for (let at = 0; at < 60; at++) await write({ [`train/class-${String(at).padStart(2, '0')}`]: 1 });
    await prepared('wide');
    const text = await show('wide', { step: 'data' });
    expect(text).toContain('and 41 more classes; --class shows one, --json all');
    expect(text.split('\n').length).toBeLessThan(60);
    outputs.out = '';
    const one = await show('wide', { step: 'data', class: odd });
    expect(one).toMatch(/^new\\nline \\x1b\[31mred +2 /m);
  });

  it('says which steps prepare data where the named one does not, and of a run that the store does not have, so', async () => {
    await prepared('few').catch(() => {});
    await expect(show('few', { step: 'pretrain' })).rejects.toThrow(
      'few has no step pretrain that prepares data. There is: data, other.',
    );
    await expect(show('none')).rejects.toMatchObject({ code: 'RunNotFound' });
  });
});
