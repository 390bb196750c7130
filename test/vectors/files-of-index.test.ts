/** The files of an index that is open: cut short, changed in place, or removed, by whomever. */
import { mkdtemp, open, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { indexAboutSchema, type Quantization } from '../../contracts/vector-index.ts';
import { artifactFolder, openStore, readAbout } from '../../store/index.ts';
import { exportIndex, openIndex } from '../../vectors/index.ts';
import { clustered, indexOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-index-files-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const vectors = clustered(600, { dimension: 16, clusters: 40 });
const made = (quantization: Quantization, of: string) =>
  indexOf(
    store,
    { rows: vectors.map((vector, at) => ({ name: `${of} ${at}.jpg`, vector })), pictures: true },
    { method: 'approximate', quantization },
  );
const fileOf = (index: ArtifactRef, name: string) => store.locate(`${artifactFolder(index)}/${name}`);
const aboutOf = (index: ArtifactRef) => readAbout(store, index, indexAboutSchema);
const query = Float32Array.from(vectors[7] ?? []);

/** Changes a file in its place, and gives its old content back. */
async function changeInPlace(file: string, change: (bytes: Buffer) => void): Promise<() => Promise<void>> {
  const before = await readFile(file);
  const write = async (bytes: Buffer) => {
    const handle = await open(file, 'r+');
    await handle.write(bytes, 0, bytes.length, 0);
    await handle.close();
    // Writes that follow each other at once may have one time.
    const { mtime } = await stat(file);
    await utimes(file, mtime, new Date(mtime.getTime() + 5000));
  };
  const bytes = Buffer.from(before);
  change(bytes);
  await write(bytes);
  return () => write(before);
}

describe('an index that is open', () => {
  it.each(['f32', 'f16'] as const)('is searched on where its graph is cut short, %s', async (quantization) => {
    const ref = await made(quantization, quantization);
    const index = await openIndex(store, ref);
    const before = await index.search(query, 5);
    await truncate(fileOf(ref, (await aboutOf(ref)).graph?.file ?? ''), 100);
    // A process that reads a page that is no longer there is ended by the system: this one would not come so far.
    for (const vector of vectors) await index.search(Float32Array.from(vector), 3);
    expect(await index.search(query, 5)).toEqual(before);
    await index.close();
    await expect(openIndex(store, ref)).rejects.toMatchObject({
      code: 'CorruptArtifact',
      message: expect.stringMatching(/graph\.usearch is damaged: expected \d+ bytes, found 100/),
    });
  });

  it('gives no hit by vectors that have changed since it was opened', async () => {
    const ref = await made('i8', 'bytes');
    const index = await openIndex(store, ref);
    const file = fileOf(ref, (await aboutOf(ref)).shards[0]?.vectors ?? '');
    await changeInPlace(file, (bytes) => bytes.fill(0, bytes.length - 600 * 16 * 4));
    await expect(index.search(query, 5)).rejects.toMatchObject({
      code: 'CorruptArtifact',
      message: expect.stringContaining('has changed since it was opened'),
    });
    await index.close();
  });

  it('calls no row by a name that was written over, and calls it again by its own', async () => {
    const ref = await made('f32', 'rows');
    const index = await openIndex(store, ref);
    expect((await index.row(3)).name).toBe('rows 3.jpg');
    const file = fileOf(ref, (await aboutOf(ref)).shards[0]?.rows ?? '');
    const restore = await changeInPlace(file, (bytes) => bytes.write('evil', bytes.indexOf('rows 3.jpg')));
    await expect(index.row(3)).rejects.toMatchObject({
      code: 'CorruptArtifact',
      message: expect.stringContaining('rows-00000.jsonl is damaged: expected SHA-256'),
    });
    await restore();
    expect((await index.row(3)).name).toBe('rows 3.jpg');
    await index.close();
  });

  it('says which of its files is gone', async () => {
    const ref = await made('f32', 'gone');
    const index = await openIndex(store, ref);
    await index.check();
    await rm(fileOf(ref, 'pictures-00000.safetensors'));
    const gone = {
      code: 'CorruptArtifact',
      message: expect.stringContaining('pictures-00000.safetensors is damaged: expected a file, found none'),
    };
    await expect(index.check()).rejects.toMatchObject(gone);
    await index.close();
    await expect(openIndex(store, ref)).rejects.toMatchObject(gone);
  });
});

it('an index is not opened thoroughly, or exported, where a file has its length and other bytes', async () => {
  const ref = await made('f32', 'thorough');
  await changeInPlace(fileOf(ref, 'pictures-00000.safetensors'), (bytes) => bytes.fill(7, bytes.length - 3));
  await (await openIndex(store, ref)).close();
  const damaged = { code: 'CorruptArtifact', message: expect.stringContaining('is damaged: expected SHA-256') };
  await expect(openIndex(store, ref, { thorough: true })).rejects.toMatchObject(damaged);
  const graph = (await aboutOf(ref)).graph?.file ?? '';
  const bytes = await readFile(fileOf(ref, graph));
  bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
  await writeFile(fileOf(ref, graph), bytes);
  await expect(exportIndex(store, ref, join(root, 'exported'))).rejects.toMatchObject(damaged);
});
