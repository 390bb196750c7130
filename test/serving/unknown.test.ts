/** Whether a photo is known follows from what the model was trained on, whatever index the model has, and whoever is asked. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { predictCommand } from '../../cli/commands/predict.ts';
import { similarCommand } from '../../cli/commands/similar.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { evaluationFile, evaluationSchema } from '../../contracts/evaluation.ts';
import { knownImagesFile } from '../../contracts/known-images.ts';
import { embedAnswerSchema, predictAnswerSchema } from '../../contracts/serving.ts';
import { randomUint32 } from '../../datasets/index.ts';
import { trainerEnvironment } from '../../native/paths.ts';
import { type Serving, serveModel } from '../../serving/http/index.ts';
import { openKnowing } from '../../serving/open-knowing.ts';
import {
  addVersion,
  digestOf,
  emptyArtifact,
  jsonBytes,
  loadCurrent,
  readArtifactJson,
  writeArtifact,
} from '../../store/index.ts';
import { buildIndex, shardFiles } from '../../vectors/index.ts';
import { colours, stripes } from './pictures.ts';
import { run, type SmallModel, smallModel } from './small-model.ts';

let model: SmallModel;
let serving: Serving;
let url = '';
let folder = '';
const lines: string[] = [];
/** Stripes of the trained colours, and grey noise, which is like none of them. */
const photos = new Map<string, Buffer>();
const noise = (number: number) =>
  sharp(
    Uint8Array.from({ length: 32 * 32 }, (_, at) => randomUint32(number, 'grey noise', at) % 256),
    { raw: { width: 32, height: 32, channels: 1 } },
  )
    .png()
    .toBuffer();
const post = async (path: string, images: readonly Buffer[]) => {
  const body = JSON.stringify({ images: images.map((each) => each.toString('base64')) });
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  return answer.json();
};
const asked = async (k = 10) => {
  const { results, index } = predictAnswerSchema.parse(await post(`/v1/predict?k=${k}`, [...photos.values()]));
  return { index, results: results.map(({ neighbours: _, guesses: __, ...answer }) => answer) };
};

/** Makes an index of some photos the model's, as a catalogue that somebody embedded. */
async function catalogue(images: readonly { readonly photo: Buffer; readonly label?: string }[]): Promise<void> {
  const { results } = embedAnswerSchema.parse(
    await post(
      '/v1/embed',
      images.map(({ photo }) => photo),
    ),
  );
  const rows = images.map(({ photo, label }, at) => ({
    name: `catalogue/${at}.png`,
    source: digestOf(photo).sha256,
    ...(label === undefined ? {} : { label }),
    ...{ brightness: 0.5, contrast: 0.2, saturation: 0.1 },
  }));
  const { shard, files } = shardFiles(0, {
    embeddings: Float32Array.from(results.flatMap(({ embedding }) => embedding)),
    rows,
  });
  const { encoder } = model;
  const about = {
    ...{ encoder, dimension: results[0]?.embedding.length ?? 0, count: rows.length },
    ...{ of: { images: 'catalogue', digest: encoder.digest }, shards: [shard], rejected: { count: 0 } },
  };
  const { index } = await buildIndex(model.store, await writeArtifact(model.store, { kind: 'vectors', about, files }));
  await promote(index);
  await serving.look();
}

async function promote(index?: ArtifactRef): Promise<void> {
  const { store, encoder, classifier, evaluation } = model;
  await addVersion(store, {
    ...{ model: 'stripes', version: ((await loadCurrent(store, 'stripes'))?.version ?? 0) + 1, run, step: null },
    ...{ encoder, classifier, evaluation: evaluation ?? encoder },
    ...(index ? { index } : {}),
    ...{ metrics: { top1: 1 }, testSet: '0'.repeat(64), reason: 'by a test' },
  });
}

beforeAll(async () => {
  model = await smallModel({ measured: true });
  folder = join(model.folder, 'asked');
  await mkdir(folder);
  for (const [at, colour] of [...colours, ...colours].entries())
    photos.set(`${at}-${colour}.png`, await stripes(colour, 1000 + at));
  for (const number of [1, 2, 3]) photos.set(`noise-${number}.png`, await noise(number));
  for (const [name, photo] of photos) await writeFile(join(folder, name), photo);
  await promote();
  serving = await serveModel({
    ...{ store: model.store, storeUrl: model.storeUrl, named: { model: 'stripes' }, environment: trainerEnvironment() },
    ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
    ...{ limits: { pollMs: 100 }, log: (line) => void lines.push(line) },
  });
  url = `http://127.0.0.1:${serving.port}`;
});
afterAll(() => serving?.close());

/** What a command prints as JSON, of each photo. */
async function printed(command: () => Promise<number>): Promise<readonly Record<string, unknown>[]> {
  let out = '';
  vi.stubEnv('CONTRAIL_HOME', model.home.folder);
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    expect(await command()).toBe(0);
  } finally {
    write.mockRestore();
    vi.unstubAllEnvs();
  }
  return JSON.parse(out).photos;
}
const common = { json: true, list: false, allowUrls: false, model: 'stripes' };

it('is the same without an index, with seven products, with many, and with new ones that nobody has labelled', async () => {
  const { index, results: alone } = await asked();
  expect(index).toBeNull();
  expect(alone.map(({ unknown }) => unknown)).toEqual([...Array(6).fill(false), ...Array(3).fill(true)]);
  const labelled = await Promise.all(
    Array.from({ length: 24 }, async (_, at) => {
      const label = colours[at % 3] ?? 'red';
      return { photo: await stripes(label, 3000 + at), label };
    }),
  );
  const unlabelled = labelled.map(({ photo }) => ({ photo }));
  const news = await Promise.all([1, 2, 3, 11, 12].map(async (number) => ({ photo: await noise(number) })));
  const indexes = new Set<string | null>();
  for (const images of [labelled.slice(0, 7), labelled, news, [...unlabelled, ...news]]) {
    await catalogue(images);
    for (const k of [1, 30]) {
      const now = await asked(k);
      expect(now.results).toEqual(alone);
      indexes.add(now.index);
    }
  }
  expect(indexes.size).toBe(4);
});

it('is the same in the commands and the server, which share a product of a class that is new', async () => {
  const grey = await Promise.all([1, 2, 3].map(async (number) => ({ photo: await noise(number), label: 'grey' })));
  await catalogue([{ photo: await stripes('red', 4000), label: 'red' }, ...grey]);
  const { results } = await asked();
  expect(results.map(({ alike }) => alike)).toEqual([...Array(6).fill(null), ...Array(3).fill('grey')]);
  expect(results.map(({ unknown }) => unknown)).toEqual([...Array(6).fill(false), ...Array(3).fill(true)]);
  const byName = new Map([...photos.keys()].map((name, at) => [name, results[at]]));
  const names = [...photos.keys()].map((name) => join(folder, name));
  const predicted = await printed(() => predictCommand(names, { ...common, top: 1, csv: false, replace: false }));
  const searched = await printed(() => similarCommand(names, { ...common, k: 2, replace: false }));
  expect([predicted.length, searched.length]).toEqual([photos.size, photos.size]);
  for (const { name, label, unknown, alike } of predicted)
    expect({ label, unknown, alike }).toEqual(pick(byName.get(String(name).split('/').at(-1) ?? '')));
  for (const { name, unknown } of searched)
    expect(unknown).toBe(byName.get(String(name).split('/').at(-1) ?? '')?.unknown);
});

const pick = (answer: Awaited<ReturnType<typeof asked>>['results'][number] | undefined) =>
  answer && { label: answer.label, unknown: answer.unknown, alike: answer.alike };

it('is told by the classifier alone, and said to be, by evaluations that keep no training images', async () => {
  const { store, evaluation } = model;
  if (!evaluation) throw new Error('the model is measured');
  const { calibration, ...measures } = await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema);
  if (!calibration) throw new Error('it was calibrated');
  const { known, ...unknown } = calibration.unknown;
  expect(known).toEqual({ images: known?.training, training: known?.training });
  const earlier = async (content: object) =>
    openKnowing(
      store,
      await writeArtifact(store, {
        ...{ kind: 'evaluation', about: {} },
        files: [{ path: evaluationFile, content: jsonBytes({ ...measures, ...content }) }],
      }),
    );
  const old = await earlier({ calibration: { ...calibration, unknown } });
  expect(old).toMatchObject({
    known: null,
    lack: expect.stringMatching(/measured by an earlier version.*but the evaluation comes from the cache/),
  });
  expect(await earlier({})).toMatchObject({ calibration: null, lack: expect.stringContaining('not calibrated') });
  expect(await openKnowing(store, null)).toMatchObject({ calibration: null, known: null });
  const before = await asked();
  await emptyArtifact(store, evaluation, { files: [knownImagesFile], at: '2026-01-01T00:00:00.000Z' });
  const forgotten = await openKnowing(store, evaluation);
  expect(forgotten).toMatchObject({
    known: null,
    calibration,
    lack: expect.stringMatching(/forgotten.*another model/),
  });
  expect(forgotten.lack).not.toContain('cache');

  // The server that runs lets go of them as well, and says by what it tells.
  const alone = 'the evaluation keeps no training images to compare with';
  const isSaid = async () => expect((await asked()).results[0]?.because).toContain(alone);
  await vi.waitFor(isSaid, { timeout: 60_000 });
  const { results } = await asked();
  expect(results.map(({ label, confidence }) => ({ label, confidence }))).toEqual(
    before.results.map(({ label, confidence }) => ({ label, confidence })),
  );
  expect(before.results[0]?.because).toContain('the most similar training image');
  const said = () => lines.filter((line) => line.includes('because one of them was forgotten'));
  await vi.waitFor(() => expect(said()).toHaveLength(1));
});
