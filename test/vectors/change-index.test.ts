import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { artifactFolder, openStore, readAbout } from '../../store/index.ts';
import { addToIndex, openIndex, removeFromIndex } from '../../vectors/index.ts';
import { clustered, encoderOf, indexOf, vectorsOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-index-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const dimension = 16;
const embeddings = clustered(800, { dimension, clusters: 40 });
const given = embeddings.map((vector, at) => ({
  name: `${at}.jpg`,
  vector,
  label: `class ${at % 40}`,
  group: `product ${Math.floor(at / 4)}`,
}));

/** Which image each row of an index is of that is found by its own vector, in the order of the embeddings; null where none is. */
async function foundNames(index: ArtifactRef, vectors = embeddings): Promise<(string | null)[]> {
  const open = await openIndex(store, index);
  const hits = await open.search(Float32Array.from(vectors.flat()), 1);
  const names = await Promise.all(
    hits.map(async ([hit]) => (hit && hit.score > 0.999 ? (await open.row(hit.row)).name : null)),
  );
  await open.close();
  return names;
}

describe.each(['exact', 'approximate'] as const)('an index that is searched by the method %s', (method) => {
  it('finds what was added to it, and what it had', async () => {
    const before = await indexOf(store, { rows: given.slice(0, 600) }, { method });
    const added = await addToIndex(store, before, await vectorsOf(store, { rows: given.slice(600) }));
    expect(added).toMatchObject({ added: 200, replaced: 0, unchanged: 0, removed: 0 });
    expect(added.about).toMatchObject({ count: 800, method, parent: { digest: before.digest, added: 200 } });
    expect(await foundNames(added.index)).toEqual(given.map(({ name }) => name));
    expect((await readAbout(store, before, indexAboutSchema)).count).toBe(600);
  });

  it('no longer finds what was removed from it', async () => {
    const before = await indexOf(store, { rows: given }, { method });
    const removed = await removeFromIndex(store, before, {
      names: ['0.jpg', '799.jpg'],
      groups: ['product 5'],
      labels: ['class 30'],
    });
    expect(removed.removed).toBe(2 + 4 + 20);
    const isGone = (at: number) => at === 0 || at === 799 || Math.floor(at / 4) === 5 || at % 40 === 30;
    expect(await foundNames(removed.index)).toEqual(given.map(({ name }, at) => (isGone(at) ? null : name)));
  });

  it('takes up again what was removed', async () => {
    const before = await indexOf(store, { rows: given }, { method });
    const without = await removeFromIndex(store, before, { labels: ['class 1', 'class 2', 'class 3'] });
    const again = await addToIndex(store, without.index, await vectorsOf(store, { rows: given }));
    expect(again).toMatchObject({ added: 60, replaced: 0, unchanged: 740 });
    expect(await foundNames(again.index)).toEqual(given.map(({ name }) => name));
  });

  it('has an image once, whatever is added twice, and the newer one of a name', async () => {
    const before = await indexOf(store, { rows: given.slice(0, 100) }, { method });
    const newer = clustered(10, { dimension, clusters: 10, seed: 9 });
    const coming = given
      .slice(0, 101)
      .map((row, at) => (at < 10 ? { ...row, vector: newer[at] ?? [], source: `newer ${at}` } : row));
    const changed = await addToIndex(store, before, await vectorsOf(store, { rows: coming }));
    expect(changed).toMatchObject({ added: 1, replaced: 10, unchanged: 90 });
    expect(changed.about.count).toBe(101);
    expect(await foundNames(changed.index, newer)).toEqual(given.slice(0, 10).map(({ name }) => name));
    expect(await foundNames(changed.index, embeddings.slice(0, 10))).toEqual(Array.from({ length: 10 }, () => null));
  });
});

describe('a change of an index', () => {
  it('takes no damaged graph into another index, and names the file', async () => {
    const before = await indexOf(store, { rows: given.slice(0, 700) }, { method: 'approximate', seed: 5 });
    const { graph } = await readAbout(store, before, indexAboutSchema);
    const file = store.locate(`${artifactFolder(before)}/${graph?.file}`);
    const bytes = await readFile(file);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const damaged = expect.objectContaining({ code: 'CorruptArtifact', message: expect.stringContaining('graph') });
    await expect(addToIndex(store, before, await vectorsOf(store, { rows: given.slice(700) }))).rejects.toEqual(
      damaged,
    );
    await expect(removeFromIndex(store, before, { names: ['0.jpg'] })).rejects.toEqual(damaged);
  });

  it('is none where nothing is new', async () => {
    const before = await indexOf(store, { rows: given.slice(0, 50) });
    const same = await addToIndex(store, before, await vectorsOf(store, { rows: given.slice(10, 50) }));
    expect(same).toMatchObject({ index: before, added: 0, unchanged: 40 });
  });

  it('is one where the label of an image has been corrected', async () => {
    const before = await indexOf(store, { rows: given.slice(0, 5) });
    const rows = given.slice(0, 1).map((row) => ({ ...row, label: 'corrected' }));
    const { index, replaced } = await addToIndex(store, before, await vectorsOf(store, { rows }));
    expect(replaced).toBe(1);
    const open = await openIndex(store, index);
    expect((await open.row(4)).label).toBe('corrected');
    await open.close();
  });

  it('builds a graph anew of which a third was removed', async () => {
    const before = await indexOf(store, { rows: given }, { method: 'approximate' });
    const few = await removeFromIndex(store, before, { labels: ['class 1'] });
    expect(few.about.graph?.nodes).toBe(800);
    const labels = Array.from({ length: 13 }, (_, at) => `class ${at}`);
    const many = await removeFromIndex(store, before, { labels });
    expect(many.about.graph?.nodes).toBe(540);
  });

  it('is refused where it cannot be what was meant', async () => {
    const before = await indexOf(store, { rows: given.slice(0, 20) });
    await expect(removeFromIndex(store, before, { names: ['0.jpg', 'x.jpg'] })).rejects.toThrow(
      'The index has no image x.jpg, so nothing was removed.',
    );
    const groups = [...new Set(given.slice(0, 20).map(({ group }) => group))];
    await expect(removeFromIndex(store, before, { groups })).rejects.toThrow('would remove every image');
    const foreign = await vectorsOf(store, { rows: given.slice(20, 30), encoder: encoderOf('another') });
    await expect(addToIndex(store, before, foreign)).rejects.toThrow(/but what is added has the encoder/);
  });
});
