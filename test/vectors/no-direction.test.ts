/** Embeddings that nothing can be compared with: of zeros, or with what is no number. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { embedImagesParameters } from '../../contracts/kinds/embed-images.ts';
import type { IndexAbout } from '../../contracts/vector-index.ts';
import { openStore, writeArtifact } from '../../store/index.ts';

import {
  gatherEmbedding,
  planEmbedding,
  readShardList,
  shardListPath,
  writeOutcome,
  writePiece,
} from '../../vectors/embedding/index.ts';
import { addToIndex, buildIndex, openIndex, removeFromIndex, shardFiles } from '../../vectors/index.ts';
import { stripes } from '../serving/pictures.ts';
import { clustered, encoderOf, indexOf, sha256, vectorsOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-no-direction-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const dimension = 16;
const good = clustered(300, { dimension, clusters: 30 }).map((vector, at) => ({ name: `${at}.jpg`, vector }));
const zeros = (name: string) => ({ name, vector: Array.from({ length: dimension }, () => 0) });
const tiny = (name: string) => ({ name, vector: Array.from({ length: dimension }, () => 1e-9) });
const noNumber = (name: string) => ({ name, vector: [Number.NaN, ...Array.from({ length: dimension - 1 }, () => 1)] });
const likeNothing = 'has an embedding of zeros, which is like nothing';

describe.each(['exact', 'approximate'] as const)('an index that is searched by the method %s', (method) => {
  it('is built of the other images, and says which were left out, and why', async () => {
    const rows = [zeros('black.jpg'), ...good.slice(0, 200), tiny('dark.jpg'), noNumber('broken.jpg')];
    const { index, about, unusable } = await buildIndex(store, await vectorsOf(store, { rows, perShard: 64 }), {
      method,
    });
    expect(unusable).toEqual({
      count: 3,
      first: [
        { name: 'black.jpg', reason: likeNothing },
        { name: 'dark.jpg', reason: likeNothing },
        { name: 'broken.jpg', reason: 'has an embedding with a number that is infinite or not a number' },
      ],
    });
    expect([about.count, about.method]).toEqual([200, method]);
    const same = await indexOf(store, { rows: good.slice(0, 200), perShard: 64 }, { method });
    expect(index).toEqual(same);
  });

  it('takes the other images of what is added', async () => {
    const before = await indexOf(store, { rows: good.slice(0, 200) }, { method });
    const coming = await vectorsOf(store, { rows: [...good.slice(200), zeros('0.jpg'), zeros('black.jpg')] });
    const added = await addToIndex(store, before, coming);
    expect(added).toMatchObject({ added: 100, replaced: 0, removed: 0, unusable: { count: 2 } });
    expect(added.about.count).toBe(300);
    const only = await addToIndex(store, before, await vectorsOf(store, { rows: [zeros('black.jpg')] }));
    expect(only).toMatchObject({ index: before, added: 0, unusable: { count: 1 } });
  });

  it('is not built where none is left', async () => {
    const rows = [zeros('a.jpg'), zeros('b.jpg')];
    await expect(buildIndex(store, await vectorsOf(store, { rows }), { method })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/^None of 2 embeddings can be searched: a\.jpg has an embedding of zeros/),
    });
  });
});

it('an index of an earlier version loses such an image when it is changed', async () => {
  const rows = [zeros('black.jpg'), ...good.slice(0, 50)];
  const { shard, files } = shardFiles(0, {
    embeddings: Float32Array.from(rows.flatMap(({ vector }) => unit(vector))),
    rows: rows.map(({ name }) => ({ name, source: sha256(name), brightness: 0, contrast: 0, saturation: 0 })),
  });
  const about: IndexAbout = {
    ...{ encoder: encoderOf('encoder'), dimension, count: rows.length, method: 'exact', shards: [shard] },
    settings: { method: 'auto', minimumRecall: 0.9, quantization: 'f16', connectivity: 16, expansionAdd: 128, seed: 0 },
    recall: { k: 10, value: 1, queries: 0 },
  };
  const before = await writeArtifact(store, { kind: 'index', about, files });
  const changed = await removeFromIndex(store, before, { names: ['3.jpg'] });
  expect(changed).toMatchObject({ removed: 2, about: { count: 49, parent: { removed: 2 } } });
});

it('an image whose embedding is one of zeros is rejected by its name, and the others are embedded', async () => {
  const folder = join(root, 'photos');
  await mkdir(folder);
  for (const [at, name] of ['a.png', 'black.png', 'c.png'].entries())
    await writeFile(join(folder, name), await stripes('red', at));
  const parameters = embedImagesParameters.parse({ images: { path: folder }, pictures: false });
  const given = { encoder: encoderOf('encoder'), dataset: undefined, parameters };
  const step = { run: 'embedding', step: 'embed' };
  const { plan, folder: at } = await planEmbedding(store, step, given, { cacheFolder: root });
  const images = await readShardList(store, shardListPath(at, 0));
  const piece = await writePiece(store, plan.place, {
    sources: images.map(({ source }) => source),
    embeddings: Float32Array.from(images.flatMap(({ name }) => (name === 'black.png' ? [0, 0] : [1, 2]))),
    looks: new Float32Array(3 * images.length),
    pictures: null,
  });
  await writeOutcome(store, at, 0, { images: 3, rejected: [], piece });
  const gather = (more: object) => gatherEmbedding(store, at, { ...parameters, ...more }, { onProgress: () => {} });
  expect(await gather({})).toMatchObject({
    ...{ images: 2, found: 3, rejected: 1 },
    reasons: [{ count: 1, reason: likeNothing, first: ['black.png'] }],
  });
  await expect(gather({ maximumRejected: 0 })).rejects.toThrow(/1 file of .* cannot be used, and maximumRejected is 0/);
});

it('a query of zeros finds nothing, and the others find what they would without it', async () => {
  const index = await openIndex(store, await indexOf(store, { rows: good }));
  const [one, other] = [good[3]?.vector ?? [], good[90]?.vector ?? []];
  const alone = await index.search(Float32Array.from([...one, ...other]), 4);
  const between = await index.search(Float32Array.from([...one, ...zeros('').vector, ...other]), 4);
  expect(between).toEqual([alone[0], [], alone[1]]);
  expect(await index.search(Float32Array.from(zeros('').vector), 4)).toEqual([[]]);
  await index.close();
});

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
