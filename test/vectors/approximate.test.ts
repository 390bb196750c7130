import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { madeVectors } from '../../bench/vectors/made-vectors.ts';
import { artifactFolder, openStore } from '../../store/index.ts';
import { lostRows } from '../../vectors/build/lost-rows.ts';
import { emptyGraph, graphKeys, viewGraph } from '../../vectors/graph/graph.ts';
import { buildIndex, openIndex } from '../../vectors/index.ts';
import { clustered, indexOf, vectorsOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-index-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const dimension = 32;
const embeddings = clustered(1500, { dimension, clusters: 75 });
const rows = embeddings.map((vector, at) => ({ name: `${at}.jpg`, vector }));
const vectors = await vectorsOf(store, { rows, perShard: 600 });
const approximate = { method: 'approximate' } as const;

describe('an approximate index', () => {
  it('is the same artifact each time that it is built', async () => {
    const one = await buildIndex(store, vectors, approximate);
    const other = await buildIndex(store, vectors, approximate);
    expect(one.about.method).toBe('approximate');
    expect(one.index).toEqual(other.index);
  });

  it.each(['f32', 'f16', 'i8'] as const)(
    'finds nearly what an exact one finds, with vectors in %s',
    async (quantization) => {
      const built = await buildIndex(store, vectors, { ...approximate, quantization });
      expect(built.about.recall).toMatchObject({ k: 10, queries: 500 });
      expect(built.about.recall.value).toBeGreaterThan(0.95);
      const [near, exact] = [
        await openIndex(store, built.index),
        await openIndex(store, (await buildIndex(store, vectors, { method: 'exact' })).index),
      ];
      const queries = Float32Array.from(clustered(200, { dimension, clusters: 75, seed: 2 }).flat());
      const [found, all] = [await near.search(queries, 10), await exact.search(queries, 10)];
      const shared = found.flatMap((hits, at) => hits.filter(({ row }) => all[at]?.some((hit) => hit.row === row)));
      expect(shared.length / 2000).toBeGreaterThan(0.95);
      for (const [at, hits] of found.entries())
        expect(Math.abs((hits[0]?.score ?? 0) - (all[at]?.[0]?.score ?? 0))).toBeLessThan(0.01);
      await Promise.all([near.close(), exact.close()]);
    },
  );

  it('that several threads build is not built anew for the vectors that they leave without an edge', async () => {
    const many = clustered(20_000, { dimension, clusters: 400 }).map((vector, at) => ({ name: `${at}.jpg`, vector }));
    const phases: string[] = [];
    const { about } = await buildIndex(store, await vectorsOf(store, { rows: many, perShard: 4096 }), approximate, {
      threads: 8,
      onProgress: ({ phase, done, total }) => {
        if (done === total) phases.push(phase);
      },
    });
    expect(about.count).toBe(20_000);
    expect(phases.filter((phase) => phase === 'graph')).toHaveLength(1);
  });

  it.each([
    ['is missing', join(root, 'missing'), 'FileMissing', 'it is not there'],
    ['is a file', join(root, 'a-file'), 'NotAFolder', 'it is no folder'],
  ])('says where it needs room when the temporary folder %s', async (_, folder, code, reason) => {
    const { index } = await buildIndex(store, vectors, approximate);
    await writeFile(join(root, 'a-file'), '');
    vi.stubEnv('TMPDIR', folder);
    try {
      await expect(openIndex(store, index)).rejects.toMatchObject({
        code,
        message: `An approximate index cannot be opened or built: nothing can be written into the temporary folder ${folder}, because ${reason}. Point the variable TMPDIR to a folder with room for the graph.`,
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('finds every row by its own vector', async () => {
    const index = await openIndex(store, (await buildIndex(store, vectors, approximate)).index);
    const found = await index.search(Float32Array.from(embeddings.flat()), 1);
    expect(found.flatMap(([hit], row) => (hit?.row === row ? [] : [row]))).toEqual([]);
    await index.close();
  });

  it('finds every row of a thin graph by a search as wide as it says, of one and of ten', async () => {
    const noise = clustered(4000, { dimension: 24, clusters: 4000 });
    const thin = { quantization: 'i8', connectivity: 4, expansionAdd: 16, minimumRecall: 0 } as const;
    const given = noise.map((vector, at) => ({ name: `${at}.jpg`, vector }));
    const index = await openIndex(store, await indexOf(store, { rows: given }, { ...approximate, ...thin }));
    expect(index.about.graph?.expansionSearch).toBeGreaterThan(64);
    for (const k of [1, 10]) {
      const found = await index.search(Float32Array.from(noise.flat()), k);
      expect(found.flatMap((hits, own) => (hits.some(({ row }) => row === own) ? [] : [own]))).toEqual([]);
    }
    await index.close();
  });

  it('leaves a few rows to wider searches where a search for all would be slow, and counts them', async () => {
    const count = 3000;
    const made = [...madeVectors({ count, dimension: 192, seed: 1, clusters: 1500 })].flatMap((block) => [...block]);
    const many = Array.from({ length: count }, (_, row) => made.slice(row * 192, (row + 1) * 192));
    const thin = { ...approximate, connectivity: 4, expansionAdd: 16, minimumRecall: 0.3 };
    const { index, about } = await buildIndex(
      store,
      await vectorsOf(store, { rows: many.map((vector, at) => ({ name: `${at}.jpg`, vector })) }),
      thin,
    );
    const open = await openIndex(store, index);
    const found = await open.search(Float32Array.from(made), 10);
    await open.close();
    const missed = found.filter((hits, row) => hits.every((hit) => hit.row !== row)).length;
    expect(missed).toBeGreaterThan(0);
    expect(about.graph?.hard).toBe(missed);
    // A tenth of what may be missed of the neighbours.
    expect(missed).toBeLessThanOrEqual(0.1 * (1 - thin.minimumRecall) * count);
  });

  it('finds all of a thousand equal vectors, which would fall apart in the graph', async () => {
    const same = Array.from({ length: 1000 }, (_, at) => ({ name: `none-${at}.jpg`, vector: embeddings[7] ?? [] }));
    const index = await openIndex(store, await indexOf(store, { rows: [...rows.slice(0, 500), ...same] }, approximate));
    const [found] = await index.search(Float32Array.from(embeddings[7] ?? []), 1000);
    expect(found).toHaveLength(1000);
    expect(found?.every(({ row }) => row === 7 || row >= 500)).toBe(true);
    await index.close();
  });

  it('is refused where it does not find what is wanted of it', async () => {
    const noise = clustered(2000, { dimension: 64, clusters: 2000 }).map((vector, at) => ({ name: `${at}`, vector }));
    await expect(
      indexOf(
        store,
        { rows: noise },
        { ...approximate, quantization: 'i8', connectivity: 4, expansionAdd: 8, minimumRecall: 1 },
      ),
    ).rejects.toThrow(
      /finds 0\.\d+ of the 10 nearest, and minimumRecall is 1\. Build it with .* or with method: exact/,
    );
  });

  it('is not opened when its file is damaged', async () => {
    const { index, about } = await buildIndex(store, vectors, { ...approximate, seed: 1 });
    const file = store.locate(`${artifactFolder(index)}/${about.graph?.file}`);
    await truncate(file, 5000);
    await expect(openIndex(store, index)).rejects.toThrow(/graph\.usearch is damaged: expected \d+ bytes, found 5000/);
    await writeFile(file, '');
    await expect(openIndex(store, index)).rejects.toThrow('is damaged');
  });
});

describe('the look for lost rows', () => {
  it('finds those to which no edge leads', async () => {
    const settings = { dimension, connectivity: 16, expansionAdd: 128, quantization: 'f32' } as const;
    const graph = emptyGraph(settings, 64);
    const all = Float32Array.from(embeddings.slice(0, 100).flatMap(unit));
    graph.add(graphKeys(Array.from({ length: 99 }, (_, at) => at)), all.slice(0, 99 * dimension), 1);
    graph.save(join(root, 'graph'));
    const block = {
      count: 100,
      vectors: async function* () {
        yield all;
      },
      contents: async function* () {},
    };
    const keys = Int32Array.from({ length: 100 }, (_, at) => at);
    const view = viewGraph(join(root, 'graph'), settings, 64);
    let found = 0;
    const lost = await lostRows(view, block, { keys, dimension }, 10, null, (count) => {
      found += count;
    });
    expect([...lost]).toEqual([99]);
    expect(found).toBe(99);
    // Of some, too, and in the order of the rows.
    expect([...(await lostRows(view, block, { keys, dimension }, 10, Int32Array.of(3, 98, 99)))]).toEqual([99]);
    expect([...(await lostRows(view, block, { keys, dimension }, 10, Int32Array.of(3)))]).toEqual([]);
  });
});

const unit = (vector: readonly number[]) => vector.map((value) => value / Math.hypot(...vector));
