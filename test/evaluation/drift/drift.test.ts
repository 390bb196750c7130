import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import type { ClassifierAbout } from '../../../contracts/evaluation.ts';
import { classifierFile } from '../../../contracts/evaluation.ts';
import {
  bytesOf,
  encodeSafetensors,
  openStore,
  readArtifactFile,
  type Store,
  writeArtifact,
} from '../../../store/index.ts';
import { around, type Image, runDrift, writeEncoder, writeVectors } from './vectors.ts';

/** Three classes far from each other, and a fourth that nobody knows. */
const centres = [
  [4, 0, 0, 0, 0, 0, 0, 0],
  [0, 4, 0, 0, 0, 0, 0, 0],
  [0, 0, 4, 0, 0, 0, 0, 0],
  [0, 0, 3, 3, 0, 0, 0, 0],
] as const;
const names = ['coat', 'dress', 'sandal'];

let folder = '';
let store: Store;
let encoder: ArtifactRef;
let classifier: ArtifactRef;
let reference: ArtifactRef;

/** Images of a class. */
const ofClass = (label: number, count: number, seed: number, row: (at: number) => Partial<Image['row']> = () => ({})) =>
  around(centres[label] ?? [], 0.6, count, seed).map(
    (embedding, at): Image => ({
      embedding,
      row: { name: `${seed}/${label}-${at}.jpg`, brightness: 0.5 + 0.001 * ((at * 37) % 100), ...row(at) },
      picture: new TextEncoder().encode(`picture of ${seed}/${label}-${at}`),
    }),
  );
/** As many images of each known class. */
const known = (each: number, seed: number, row?: (at: number) => Partial<Image['row']>) =>
  [0, 1, 2].flatMap((label) => ofClass(label, each, seed, row));
const write = (images: readonly Image[]) => writeVectors(store, encoder, images);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-drift-'));
  store = openStore(folder);
  encoder = await writeEncoder(store, 'd'.repeat(64));
  const about: ClassifierAbout = {
    classes: names,
    dimension: 8,
    encoder,
    dataset: { kind: 'dataset', digest: 'd'.repeat(64) },
    learningRate: 0.1,
    epochs: 1,
    candidates: [],
  };
  const kernel = Float32Array.from({ length: 24 }, (_, at) => Number(Math.floor(at / 3) === at % 3));
  classifier = await writeArtifact(store, {
    kind: 'classifier',
    about,
    files: [
      {
        path: classifierFile,
        content: encodeSafetensors([
          { name: 'kernel', dtype: 'F32', shape: [8, 3], data: bytesOf(kernel) },
          { name: 'bias', dtype: 'F32', shape: [3], data: bytesOf(new Float32Array(3)) },
        ]),
      },
    ],
  });
  const labelled = (split: 'train' | 'validation', each: number, seed: number) =>
    [0, 1, 2].flatMap((label) => ofClass(label, each, seed, () => ({ split, label: names[label] ?? '' })));
  reference = await write([...labelled('train', 200, 1), ...labelled('validation', 100, 2)]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a look at recent images', () => {
  it('is quiet where nothing has changed', async () => {
    const { result, drift } = await runDrift(store, { recent: await write(known(60, 3)), reference, classifier });
    expect(result).toMatchObject({ drifted: false, verdict: 'unchanged', images: 180 });
    expect(result.why).toContain('No difference was found between 180 recent images and 300 held-out ones');
    expect(drift.images).toEqual({
      recent: 180,
      seen: 0,
      compared: 180,
      reference: 300,
      split: 'validation',
      known: 600,
    });
    expect(drift.level).toBe(0.0025);
  });

  it('finds a new class, shows its images in one cluster, and says what they are near to', async () => {
    const recent = await write([...known(60, 4), ...ofClass(3, 20, 4)]);
    const { result, drift } = await runDrift(store, { recent, reference, classifier });
    expect(result).toMatchObject({ drifted: true, verdict: 'drifted' });
    expect(result.why).toMatch(/are like no known image, where 5\.0 % of held-out ones are/);
    const [largest] = drift.news?.clusters ?? [];
    expect(largest?.size).toBeGreaterThanOrEqual(18);
    expect(largest?.near?.class).toBe('sandal');
    expect(largest?.images).toHaveLength(9);
    expect(largest?.images.every(({ name }) => name.startsWith('4/3-'))).toBe(true);
    expect(largest?.known.label).toBe('sandal');
    expect(result.why).toContain(`${largest?.size} images look like one new thing, nearest to sandal`);
    const [first] = largest?.images ?? [];
    const picture = await readArtifactFile(store, result.drift, first?.picture ?? '');
    expect(new TextDecoder().decode(picture)).toBe(`picture of ${first?.name.replace('.jpg', '')}`);
  });

  it('finds darker photos whose embeddings are as before', async () => {
    const recent = await write(known(60, 5, (at) => ({ brightness: 0.4 + 0.001 * ((at * 37) % 100) })));
    const { result, drift } = await runDrift(store, { recent, reference });
    expect(result.why).toMatch(/^The images are darker: mean brightness 0\.4\d+ for 0\.5\d+ \(p < 0\.001\)\.$/);
    expect(drift.classes).toBeNull();
  });

  it('finds other shares of the classes', async () => {
    const recent = await write([...ofClass(0, 120, 6), ...ofClass(1, 30, 6), ...ofClass(2, 30, 6)]);
    const { result, drift } = await runDrift(store, { recent, reference, classifier });
    expect(result.why).toContain('Classes have other shares: coat 66.7 % for 33.3 %');
    expect(drift.classes?.listed[0]).toMatchObject({ class: 'coat', recent: { share: 2 / 3 } });
  });

  it('calls a difference that is too small to matter no drift', async () => {
    const recent = await write(known(60, 5, (at) => ({ brightness: 0.45 + 0.001 * ((at * 37) % 100) })));
    expect((await runDrift(store, { recent, reference }, { least: 0.8 })).result.verdict).toBe('unchanged');
  });

  it.each([5, 19])('says that %i images are too few, and gives no verdict', async (count) => {
    const recent = await write(ofClass(3, count, 7));
    const { result, drift } = await runDrift(store, { recent, reference, classifier });
    expect(result).toMatchObject({ drifted: false, verdict: 'too few', unknown: null, clusters: 0 });
    expect(result.why).toBe(`${count} recent images, and a verdict takes 20; of a group one counts.`);
    expect([drift.embeddings, drift.unknown, drift.classes, drift.looks, drift.news]).toEqual(Array(5).fill(null));
  });

  it('says how many images were left out where what is left is too few', async () => {
    const recent = await write([...known(30, 2), ...ofClass(0, 10, 8)]);
    expect((await runDrift(store, { recent, reference })).result.why).toBe(
      '10 recent images, beside 90 that the training or the reference has too, and a verdict takes 20; of a group one counts.',
    );
  });

  it('says that held-out images are too few', async () => {
    const few = await write([
      ...known(100, 1, () => ({ split: 'train' })),
      ...ofClass(0, 7, 2, () => ({ split: 'validation' })),
    ]);
    const { result } = await runDrift(store, { recent: await write(known(60, 3)), reference: few });
    expect(result.why).toMatch(/^7 held-out images in the reference/);
  });

  it('refuses a reference of training images alone, and gives no verdict where the others were lost', async () => {
    const recent = await write(known(60, 3));
    const trained = known(100, 1, () => ({ split: 'train' }));
    await expect(runDrift(store, { recent, reference: await write(trained) })).rejects.toThrow('embed the validation');
    for (const left of [trained, []]) {
      const lost = await writeVectors(store, encoder, left, 50);
      expect((await runDrift(store, { recent, reference: lost })).result).toMatchObject({
        verdict: 'too few',
        why: expect.stringContaining('0 held-out images in the reference'),
      });
    }
  });

  it('refuses images that another encoder embedded', async () => {
    const other = await writeEncoder(store, undefined, 'b'.repeat(64));
    const recent = await writeVectors(store, other, known(60, 3));
    await expect(runDrift(store, { recent, reference })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('Embed both by the encoder of the model that is in use'),
    });
  });

  it('finds the same twice', async () => {
    const recent = await write([...known(60, 4), ...ofClass(3, 20, 4)]);
    const [first, again] = [await runDrift(store, { recent, reference }), await runDrift(store, { recent, reference })];
    expect(first.result.drift).toEqual(again.result.drift);
  });
});
