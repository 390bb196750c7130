/** An exported folder finds look-alikes without Contrail: by Python where its environment was made, and by ONNX's runtime here in any case. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as onnx from 'onnxruntime-web/wasm';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exportedPython } from '../../bench/exported/environment.ts';
import { exportCommand } from '../../cli/commands/export.ts';
import { formOfEncoder, readPhoto } from '../../datasets/index.ts';
import { runProgram } from '../../native/programs.ts';
import { addVersion, artifactFolder, loadVersions, readArtifact } from '../../store/index.ts';
import { openEncoder } from '../../training/index.ts';
import { colours, stripes } from '../serving/pictures.ts';
import { type SmallModel, smallModel } from '../serving/small-model.ts';
import { indexOf } from '../vectors/vectors.ts';

onnx.env.wasm.numThreads = 1;
onnx.env.logLevel = 'error';

const python = await exportedPython();
let model: SmallModel;
let folder: string;
/** Line breaks to some, which JSON leaves as they are. */
const odd = '\u2028\u0085';
/** Photos that are no squares of the model's size. */
const names = colours.flatMap((colour) =>
  [100, 101, 102, 103].map((number) => ({ colour, number, name: `${colour}-${number}${odd}.png` })),
);
const photoOf = (name: string) => join(model.folder, name);

beforeAll(async () => {
  model = await smallModel({ measured: true });
  vi.stubEnv('CONTRAIL_HOME', model.home.folder);
  const frozen = await openEncoder(model.store, model.encoder);
  const rows = [];
  for (const { colour, number, name } of names) {
    await writeFile(
      photoOf(name),
      await sharp(await stripes(colour, number, 64))
        // One is smaller than what the model takes.
        .resize({ width: number === 103 ? 24 : 64, height: number === 103 ? 18 : 48, fit: 'cover' })
        .png()
        .toBuffer(),
    );
    const photo = await readPhoto(await readFile(photoOf(name)), formOfEncoder(frozen.about));
    if ('rejected' in photo) throw new Error(photo.rejected);
    rows.push({ name, label: colour, vector: [...(await frozen.features(photo.pixels, 1))] });
  }
  frozen.dispose();
  const index = await indexOf(model.store, { rows, encoder: model.encoder }, { method: 'approximate' });
  const { evaluation, encoder, classifier } = model;
  if (!evaluation) throw new Error('it was not measured');
  await addVersion(model.store, {
    ...{ model: 'stripes', version: 1, run: 'stripes-1', step: null, encoder, classifier, evaluation, index },
    ...{ metrics: {}, testSet: '0'.repeat(64), reason: 'the first model of this name' },
  });
  folder = join(model.folder, 'exported');
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await exportCommand(undefined, { to: folder, model: 'stripes', json: false });
  vi.restoreAllMocks();
}, 120_000);
afterAll(() => void vi.unstubAllEnvs());

/** A NumPy file. */
async function npy(name: string) {
  const bytes = await readFile(join(folder, name));
  const end = 10 + bytes.readUInt16LE(8);
  return {
    header: bytes.toString('latin1', 10, end),
    data: bytes.buffer.slice(bytes.byteOffset + end, bytes.byteOffset + bytes.length),
  };
}

it('a model whose index lost files is exported without it, which is said', async () => {
  const said: string[] = [];
  vi.stubEnv('CONTRAIL_HOME', model.home.folder);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const { index } = (await loadVersions(model.store, 'stripes')).at(-1) ?? {};
  if (!index) throw new Error('the model has no index');
  const files = (await readArtifact(model.store, index)).files.map(({ path }) => path);
  const [lost = ''] = files.filter((path) => path.startsWith('rows-'));
  const file = model.store.locate(`${artifactFolder(index)}/${lost}`);
  const before = await readFile(file);
  await rm(file);
  const to = join(model.folder, 'without-index');
  expect(await exportCommand(undefined, { to, model: 'stripes', json: false })).toBe(0);
  vi.restoreAllMocks();
  await writeFile(file, before);
  expect(said.join('')).toMatch(/rows-00000\.jsonl is damaged.* The model is exported without its index\.\n/);
  expect((await readdir(to)).sort()).toEqual(
    (await readdir(folder)).filter((name) => !/^(index|example\.py)$/.test(name)).sort(),
  );
  expect(await readFile(join(to, 'README.md'), 'utf8')).not.toContain('index/');
}, 60_000);

describe('an exported folder', () => {
  it('holds the index, and how a photo is brought to what the model takes', async () => {
    const vectors = await npy('index/vectors.npy');
    expect(vectors.header).toContain("'descr': '<f4'");
    const rows = (await readFile(join(folder, 'index/rows.jsonl'), 'utf8')).trim().split('\n');
    expect(rows.map((row) => JSON.parse(row).name)).toEqual(names.map(({ name }) => name));
    expect(new Int32Array((await npy('index/keys.npy')).data)).toEqual(Int32Array.from(names, (_, at) => at));
    const about = JSON.parse(await readFile(join(folder, 'index/index.json'), 'utf8'));
    expect(about).toMatchObject({ count: 12, encoder: model.encoder.digest, graph: { dtype: 'f16', metric: 'ip' } });
    expect(JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')).preprocessing).toEqual({
      ...{ size: 32, side: 32, fit: 'pad', channels: 3, encoding: null },
      ...{ around: [0, 0, 0], behind: [255, 255, 255] },
    });
    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    for (const line of [
      '1. Turn it as its EXIF orientation says.',
      '3. Put it on rgb(255, 255, 255) where it is transparent.',
      '4. If it is wider or higher than 32 pixels, shrink it until its longer side has 32 (a smaller one keeps its size); put it into the middle of a square of 32 x 32 pixels of rgb(0, 0, 0) (Lanczos with three lobes; cubic where it is 32 x 32 or smaller).',
      '5. Keep three channels, red first.',
      '6. Pass the bytes as they are, 0 to 255: the model divides and normalises itself.',
    ])
      expect(readme).toContain(`\n${line}\n`);
    expect(readme).toContain('`python example.py photo.jpg` prints the look-alikes');
  });

  it('finds each photo by its model and its vectors, with ONNX Runtime', async () => {
    const session = await onnx.InferenceSession.create(await readFile(join(folder, 'model.onnx')));
    const vectors = new Float32Array((await npy('index/vectors.npy')).data);
    const dimension = vectors.length / names.length;
    for (const [at, { name }] of names.entries()) {
      const inside = { fit: 'inside', withoutEnlargement: true, kernel: 'lanczos3' } as const;
      const { data, info } = await sharp(photoOf(name))
        .resize(32, 32, inside)
        .png()
        .toBuffer({ resolveWithObject: true });
      const [top, left] = [Math.floor((32 - info.height) / 2), Math.floor((32 - info.width) / 2)];
      const around = { top, left, bottom: 32 - info.height - top, right: 32 - info.width - left, background: '#000' };
      const pixels = await sharp(data).extend(around).removeAlpha().raw().toBuffer();
      const { embedding } = await session.run({ images: new onnx.Tensor('uint8', pixels, [1, 32, 32, 3]) });
      const query = embedding?.data as Float32Array;
      const scores = names.map((_, row) =>
        query.reduce((sum, value, j) => sum + value * (vectors[row * dimension + j] ?? 0), 0),
      );
      expect(scores.indexOf(Math.max(...scores))).toBe(at);
    }
    await session.release();
  });

  it.skipIf(python === null)('has an example of 30 lines that prints the look-alikes of a photo', async () => {
    const script = join(folder, 'example.py');
    expect((await readFile(script, 'utf8')).trim().split('\n').length).toBeLessThanOrEqual(30);
    for (const number of [101, 103]) {
      const own = `green-${number}${odd}.png`;
      const printed = (await runProgram(python ?? '', [script, photoOf(own), '4'])).trim().split('\n');
      expect(printed).toHaveLength(4);
      const [score, name, label] = (printed[0] ?? '').split('\t');
      expect([name, label]).toEqual([own, 'green']);
      expect(Number(score)).toBeGreaterThan(0.99);
    }
  });

  it.skipIf(python === null)('has a graph that USearch opens in Python', async () => {
    const code = `
import json, numpy as np
from usearch.index import Index
about = json.load(open("index/index.json"))
query = np.load("index/vectors.npy")[5]
graph = Index(ndim=about["dimension"], metric="ip", dtype=about["graph"]["dtype"],
              expansion_search=about["graph"]["expansionSearch"])
graph.view("index/graph.usearch")
print(graph.search(query / np.linalg.norm(query), 1).keys[0])
`;
    expect(
      (await runProgram(python ?? '', ['-c', `import os; os.chdir(${JSON.stringify(folder)})\n${code}`])).trim(),
    ).toBe('5');
  });
});
