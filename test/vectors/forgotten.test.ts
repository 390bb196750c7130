/** An image that is to be forgotten leaves what was made of its embedding. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { foundText } from '../../cli/forget-texts.ts';
import { forgottenLines } from '../../cli/forgotten-since.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { driftFile } from '../../contracts/drift.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { findImage, forgetImage, imageNamed } from '../../datasets/index.ts';
import {
  addVersion,
  emptiedFiles,
  emptyArtifact,
  listFolders,
  loadForgotten,
  openStore,
  readAbout,
  saveForgotten,
  writeArtifact,
} from '../../store/index.ts';
import { addToIndex, openIndex, removeFromIndex } from '../../vectors/index.ts';
import { clustered, encoderOf, indexOf, sha256, vectorsOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-forgotten-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const rows = clustered(600, { dimension: 16, clusters: 40 }).map((vector, at) => ({ name: `${at}.jpg`, vector }));
/** The files that hold an image, by the digest of their artifact. */
const holding = async (name: string) => {
  const { uses } = await findImage(store, [sha256(name)]);
  return new Map(uses.emptied.map(({ artifact, files }) => [artifact.digest, files]));
};

it('the pictures of what was new go, and the numbers stay', async () => {
  const [recent, reference] = [
    await vectorsOf(store, { rows: rows.slice(0, 50), pictures: true }),
    await vectorsOf(store, { rows: rows.slice(50, 100) }),
  ];
  const drift = await writeArtifact(store, {
    kind: 'drift',
    about: { recent, reference, encoder: encoderOf('encoder') },
    files: [
      { path: driftFile, content: new TextEncoder().encode('{}') },
      { path: 'new-1.webp', content: new TextEncoder().encode('a picture') },
    ],
  });
  expect((await holding('3.jpg')).get(drift.digest)).toEqual(['new-1.webp']);
  expect((await holding('70.jpg')).get(drift.digest)).toEqual(['new-1.webp']);
  expect((await holding('500.jpg')).get(drift.digest)).toBeUndefined();
});

it('the graph of an index goes that the image was removed from and that may keep its vector', async () => {
  const before = await indexOf(store, { rows }, { method: 'approximate' });
  const { index: few } = await removeFromIndex(store, before, { names: ['7.jpg'] });
  const { index: fewer } = await removeFromIndex(store, few, { names: ['8.jpg'] });
  // So many that the graph is built anew.
  const { index: rebuilt } = await removeFromIndex(store, few, { names: rows.slice(100, 400).map(({ name }) => name) });
  const graphOf = async (index: typeof few) => (await readAbout(store, index, indexAboutSchema)).graph?.file ?? '';
  const held = await holding('7.jpg');
  expect(held.get(before.digest)).toContain(await graphOf(before));
  expect(held.get(few.digest)).toEqual([await graphOf(few)]);
  expect(held.get(fewer.digest)).toEqual([await graphOf(fewer)]);
  expect(held.get(rebuilt.digest)).toBeUndefined();
});

it.each(['exact', 'approximate'] as const)(
  'an index that lost its files is to be built again, %s too',
  async (method) => {
    const own = rows.map(({ vector }, at) => ({ name: `${method} ${at}.jpg`, vector }));
    const index = await indexOf(store, { rows: own }, { method });
    const files = (await holding(`${method} 7.jpg`)).get(index.digest) ?? [];
    await emptyArtifact(store, index, { files, at: new Date().toISOString() });
    const why = {
      code: 'CorruptArtifact',
      message: expect.stringMatching(
        /was forgotten that this index held\. Build the index again: .*contrail index build/,
      ),
    };
    await expect(openIndex(store, index)).rejects.toMatchObject(why);
    await expect(removeFromIndex(store, index, { names: [`${method} 8.jpg`] })).rejects.toMatchObject(why);
    const more = await vectorsOf(store, { rows: [{ name: `${method} new.jpg`, vector: rows[0]?.vector ?? [] }] });
    await expect(addToIndex(store, index, more)).rejects.toMatchObject(why);
  },
);

it('a model is named whose index is emptied, with what brings its look-alikes back, and a step that made it', async () => {
  const own = rows.map(({ vector }, at) => ({ name: `shop/${at}.jpg`, vector }));
  const version = (model: string, version: number, index: ArtifactRef) =>
    addVersion(store, {
      ...{ model, version, index, run: 'first', step: null, classifier: null, encoder: encoderOf('encoder') },
      evaluation: { kind: 'retrieval', digest: '0'.repeat(64) },
      ...{ metrics: {}, testSet: '1'.repeat(64), reason: 'by a test' },
    });
  const [held, free] = [await indexOf(store, { rows: own }), await indexOf(store, { rows: own.slice(100) })];
  await version('shirts', 1, held);
  await version('shirts', 2, held);
  await version('coats', 1, held);
  await version('coats', 2, free);
  await version('hats', 1, free);
  // Its name is known to embedded images and indexes alone.
  const source = await imageNamed(store, 'shop/7.jpg');
  expect(source).toBe(sha256('shop/7.jpg'));
  expect(await imageNamed(store, source.slice(0, 12))).toBe(source);
  const found = await findImage(store, [source]);
  expect(found.called).toEqual(['shop/7.jpg']);
  expect(found.uses.indexes).toEqual([
    { model: 'coats', version: 1, isCurrent: false },
    { model: 'shirts', version: 1, isCurrent: false },
    { model: 'shirts', version: 2, isCurrent: true },
  ]);
  const text = foundText(found).replaceAll(/\s+/g, ' ');
  expect(text).toContain('Embedded images and indexes call it: shop/7.jpg');
  expect(text).toMatch(
    /look-alikes: coats, version 1 shirts, version 1, 2 \(the current one\) To have look-alikes again/,
  );
  const quiet = { image: 'shop/7.jpg', by: 'me', requireQuiet: async () => {}, cacheFolder: root };
  await forgetImage(store, found, quiet);
  expect((await loadForgotten(store)).at(-1)?.uses.indexes).toHaveLength(3);
  const steps = [
    { id: 'model', uses: 'use-model', result: { index: held } },
    { id: 'index', uses: 'build-index', result: { index: held } },
    { id: 'other', uses: 'build-index', result: { index: free } },
  ];
  expect(await forgottenLines(store, 'run', steps)).toEqual([
    expect.stringMatching(/^index: an image was forgotten on .* `contrail retry` of the step that embedded its images/),
  ]);
});

it.each(['exact', 'approximate'] as const)(
  'an index that is made while an image of it is forgotten is emptied by whoever made it, %s too',
  async (method) => {
    const own = rows.slice(0, 300).map(({ vector }, at) => ({ name: `beside ${method} ${at}.jpg`, vector }));
    const [index, more] = [
      await indexOf(store, { rows: own.slice(0, 290) }, { method }),
      await vectorsOf(store, { rows: own.slice(290) }),
    ];
    const before = await listFolders(store, 'artifacts/index');
    // Recorded, and the artifacts looked through, before the new index was there.
    const name = `beside ${method} 7.jpg`;
    const uses = { datasets: [], emptied: [], trained: [], models: [], runs: [], unknown: [] };
    const record = {
      format: 'contrail-forgotten/1',
      image: name,
      at: new Date().toISOString(),
      by: 'me',
      uses,
    } as const;
    await saveForgotten(store, { ...record, sources: [sha256(name)] });
    const why = {
      code: 'RunFailed',
      message: expect.stringContaining(`${name} was forgotten while the index was made`),
    };
    await expect(addToIndex(store, index, more)).rejects.toMatchObject(why);
    const made = (await listFolders(store, 'artifacts/index')).filter((digest) => !before.includes(digest));
    expect(made).toHaveLength(1);
    const emptied = await emptiedFiles(store, { kind: 'index', digest: made[0] ?? '' });
    expect(emptied).toHaveLength(method === 'exact' ? 1 : 2);
    // Of an exact one nothing is left of the image that is removed; a graph keeps its vector.
    const removal = removeFromIndex(store, index, { names: [name] });
    await (method === 'exact' ? expect(removal).resolves.toBeDefined() : expect(removal).rejects.toMatchObject(why));
  },
);
