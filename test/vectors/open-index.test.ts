import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from '../../store/index.ts';
import { openIndex, requireEncoder } from '../../vectors/index.ts';
import { clustered, encoderOf, indexOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-index-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const corners = [
  { name: 'right.jpg', vector: [2, 0], label: 'right' },
  { name: 'up.jpg', vector: [0, 3] },
  { name: 'between.jpg', vector: [1, 1] },
];

describe('an open index', () => {
  it('finds the rows whose embeddings have the smallest angle to the query, the nearest first', async () => {
    const index = await openIndex(store, await indexOf(store, { rows: corners }));
    const [first, second] = await index.search(Float32Array.of(10, 1, 0, 0.5), 2);
    expect(first?.map(({ row }) => row)).toEqual([0, 2]);
    expect(first?.[0]?.score).toBeCloseTo(10 / Math.sqrt(101), 6);
    expect(second?.map(({ row }) => row)).toEqual([1, 2]);
    expect(second?.[0]?.score).toBe(1);
    await index.close();
  });

  it('gives as many rows as it has, and none to no query', async () => {
    const index = await openIndex(store, await indexOf(store, { rows: corners }));
    expect((await index.search(Float32Array.of(1, 0), 10))[0]).toHaveLength(3);
    expect(await index.search(new Float32Array(), 10)).toEqual([]);
    await index.close();
  });

  it('finds what the products of all pairs say, in one search of many queries as in many of one', async () => {
    const rows = clustered(300, { dimension: 24, clusters: 20 }).map((vector, at) => ({ name: `${at}.jpg`, vector }));
    const index = await openIndex(store, await indexOf(store, { rows, perShard: 70 }));
    const queries = clustered(40, { dimension: 24, clusters: 20, seed: 2 });
    const together = await index.search(Float32Array.from(queries.flat()), 10);
    const cosine = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0) / Math.hypot(...a) / Math.hypot(...b);
    for (const [at, query] of queries.entries()) {
      const expected = rows
        .map(({ vector }, row) => ({ row, score: cosine(query, vector) }))
        .sort((a, b) => b.score - a.score);
      expect(together[at]?.map(({ row }) => row)).toEqual(expected.slice(0, 10).map(({ row }) => row));
      expect(await index.search(Float32Array.from(query), 10)).toEqual([together[at]]);
    }
    await index.close();
  });

  it('says of each row what its image is, and shows it', async () => {
    const rows = Array.from({ length: 7 }, (_, at) => ({ name: `${at}-ä.jpg`, vector: [1, at], label: `class ${at}` }));
    const index = await openIndex(store, await indexOf(store, { rows, perShard: 3, pictures: true }));
    for (const at of [6, 0, 3]) {
      expect(await index.row(at)).toMatchObject({ name: `${at}-ä.jpg`, label: `class ${at}` });
      expect(new TextDecoder().decode((await index.picture(at)) ?? undefined)).toBe(`picture of ${at}-ä.jpg`);
    }
    await expect(index.row(7)).rejects.toThrow('the index has no row 7');
    await index.close();
  });

  it('has no picture where none were kept', async () => {
    const index = await openIndex(store, await indexOf(store, { rows: corners }));
    expect(await index.picture(1)).toBeNull();
    await index.close();
  });

  it('refuses queries that cannot be ones of its encoder', async () => {
    const index = await openIndex(store, await indexOf(store, { rows: corners }));
    await expect(index.search(Float32Array.of(1, 2, 3), 1)).rejects.toThrow("multiple of the index's dimension, 2");
    await expect(index.search(Float32Array.of(1, Number.NaN), 1)).rejects.toThrow('not a number');
    await expect(index.search(Float32Array.of(1, 0), 1001)).rejects.toThrow('1 to 1\u202f000 neighbours');
    expect(() => requireEncoder(index.about, encoderOf('another'), 'the model shirts')).toThrow(
      /holds vectors of the encoder .*, but the model shirts has the encoder/,
    );
    expect(() => requireEncoder(index.about, encoderOf('encoder'), 'the model shirts')).not.toThrow();
    await index.close();
  });

  it('says so when it was closed', async () => {
    const index = await openIndex(store, await indexOf(store, { rows: corners }));
    const pending = index.search(Float32Array.of(1, 0), 1).catch((error: unknown) => error);
    await index.close();
    await pending;
    await expect(index.search(Float32Array.of(1, 0), 1)).rejects.toThrow('closed');
  });
});

describe('an exact index', () => {
  it('is the same artifact for the same rows, however they came', async () => {
    const rows = Array.from({ length: 10 }, (_, at) => ({ name: `${at}.jpg`, vector: [1, at] }));
    const one = await indexOf(store, { rows, perShard: 3 });
    const other = await indexOf(store, { rows, perShard: 10 });
    expect(one).toEqual(other);
  });
});
