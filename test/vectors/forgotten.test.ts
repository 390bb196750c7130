/** An image that is to be forgotten leaves what was made of its embedding. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { driftFile } from '../../contracts/drift.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { findImage } from '../../datasets/index.ts';
import { emptyArtifact, openStore, readAbout, writeArtifact } from '../../store/index.ts';
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
