import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { type Inspection, inspectionFile, inspectionSchema, relabelsFile } from '../../../contracts/inspection.ts';
import { inspectDataParameters } from '../../../contracts/kinds/inspect-data.ts';
import type { JobResult } from '../../../contracts/trainer.ts';
import { createDatasetWriter } from '../../../datasets/dataset-writer.ts';
import { stepJobs } from '../../../evaluation/index.ts';
import { inspectedLeaks } from '../../../evaluation/inspection/leaks.ts';
import { openStore, readArtifactFile, readArtifactJson, type Store } from '../../../store/index.ts';
import { JobStopped } from '../../../training/index.ts';
import { greyOf, pictureOf, spots } from '../spots.ts';

/**
 * A data set with what is to be found planted in it: two classes of pictures (bright blobs on the left or on the right), three
 * of them labelled wrong, copies and near copies across splits, a noise image, and a class of one.
 */
const classes = ['left', 'right', 'Rights', 'lone'];

const blobs = (seed: number, side: 'left' | 'right') =>
  spots(['planted', seed], { from: side === 'left' ? 0 : 16, width: 16 });

let folder = '';
let store: Store;
let dataset: ArtifactRef;
let result: JobResult<'inspect-data'>;
let inspection: Inspection;
let relabels = '';

const key = { run: 'inspected', step: 'inspect' };
const inspect = (seed: number, stopAt?: string) => {
  const phases: string[] = [];
  return stepJobs['inspect-data'](
    { ...key, dataset, parameters: inspectDataParameters.parse({ seed, folds: 3, epochs: 6 }) },
    {
      store,
      key,
      stopRequested: () => stopAt !== undefined && phases.includes(stopAt),
      progress: ({ phase }) => void phases.push(phase),
    },
  );
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  store = openStore(folder);
  const writer = createDatasetWriter(folder, { classes, channels: 1 });
  const add = (name: string, split: 'train' | 'validation' | 'test', of: string, pixels: Uint8Array<ArrayBuffer>) =>
    writer.add({ name, split, class: of, pixels, height: 32, width: 32, channels: 1 });
  for (let at = 0; at < 60; at++)
    for (const side of ['left', 'right'] as const) {
      const split = at < 40 ? 'train' : at < 50 ? 'validation' : 'test';
      const isWrong = side === 'left' && at % 20 === 7;
      await add(`${side}/${at}.png`, split, isWrong ? 'right' : side, blobs(2 * at + Number(side === 'left'), side));
    }
  const planted = blobs(3, 'left');
  const compressed = sharp(await pictureOf(planted).jpeg({ quality: 60 }).toBuffer());
  const enlarged = sharp(await pictureOf(planted).resize(96, 96).png().toBuffer());
  await add('copy.png', 'test', 'left', planted);
  await add('compressed.jpg', 'test', 'left', await greyOf(compressed));
  await add('brighter.png', 'validation', 'left', await greyOf(pictureOf(planted).linear(1.1, 8)));
  await add('resized.png', 'test', 'right', await greyOf(enlarged.resize(32, 32)));
  await add('blank.png', 'train', 'left', new Uint8Array(1024).fill(200));
  await add('lone.png', 'train', 'lone', blobs(999, 'left'));
  for (const at of [500, 501]) await add(`named-${at}.png`, 'train', 'Rights', blobs(at, 'right'));
  const { digest } = await writer.finish();
  dataset = { kind: 'dataset', digest };
  result = await inspect(0);
  inspection = await readArtifactJson(store, result.inspection, inspectionFile, inspectionSchema);
  relabels = new TextDecoder().decode(await readArtifactFile(store, result.inspection, relabelsFile));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('inspect-data, without an encoder', () => {
  it('finds every duplicate that was planted across splits, by name, and no other', () => {
    const across = inspection.duplicates.pairs.filter(({ a, b }) => a.split !== b.split);
    const leaksOfTrain = across.filter(({ a, b }) => a.split === 'train' || b.split === 'train');
    const named = leaksOfTrain.map(({ kind, a, b }) => [kind, ...[a.name, b.name].sort()].join(' '));
    expect(named.sort()).toEqual([
      'exact copy.png left/1.png',
      'near brighter.png left/1.png',
      'near compressed.jpg left/1.png',
      'near left/1.png resized.png',
    ]);
    expect(result).toMatchObject({ leaks: 4, copies: 2, nearDuplicates: 3, sameEmbedding: null });
    expect(inspection.duplicates.found).toContainEqual({ kind: 'exact', split: 'test', alsoIn: 'train', images: 1 });
    expect(inspection.duplicates.blank).toBe(1);
  });

  it('keeps the rows of every image that leaks, by split, with the surest kind and the image of train', async () => {
    const kindsIn = async (split: 'validation' | 'test') => {
      const { leaks } = await inspectedLeaks(store, result.inspection, dataset, split);
      return [...leaks.values()].map(({ kind, trainRow, likeness }) => [kind, trainRow, likeness > 0.99]).sort();
    };
    const { pairs } = inspection.duplicates;
    const shown = pairs.flatMap(({ a, b }) => [a, b]).find(({ name }) => name === 'left/1.png');
    expect(await kindsIn('validation')).toEqual([['near', shown?.row, true]]);
    expect(await kindsIn('test')).toEqual([
      ['exact', shown?.row, true],
      ['near', shown?.row, true],
      ['near', shown?.row, true],
    ]);
  });

  it('suspects the labels that are wrong, with the class that they should have, and judges no image that is alone', () => {
    const found = inspection.suspects.listed.map(({ name, label, suggested }) => [
      name,
      classes[label],
      classes[suggested],
    ]);
    for (const at of [7, 27, 47]) expect(found).toContainEqual([`left/${at}.png`, 'right', 'left']);
    expect(found).toContainEqual(['resized.png', 'right', 'left']);
    expect(found.length).toBeLessThan(16);
    expect(found.map(([name]) => name)).not.toContain('lone.png');
    expect(inspection.suspects.leftOut).toEqual({ classes: 1, images: 1 });
    expect(inspection.suspects.accuracy).toBeGreaterThan(0.85);
  });

  it('writes each suspect into a table that a person edits', () => {
    const [head, ...rows] = relabels.trimEnd().split('\n');
    expect(head).toBe('image,label,suggested,confidence,note');
    expect(rows).toHaveLength(result.labelSuspects);
    expect(rows.find((row) => row.startsWith('left/7.png,'))).toMatch(/^left\/7\.png,right,left,[01]\.\d{3},train$/);
    expect(rows.find((row) => row.startsWith('resized.png,'))).toContain('test; a near duplicate in train');
  });

  it('names classes that may be one, and says how large they are', () => {
    expect(inspection.alike.filter(({ names }) => names).map(({ a, b }) => [a, b])).toEqual([['right', 'Rights']]);
    expect(inspection.balance).toMatchObject({
      largest: { class: 'right', images: 42 },
      smallest: { class: 'lone', images: 1 },
    });
    expect(result.largestToSmallest).toBe(42);
  });

  it('gives the same for the same seed, to the byte, and other folds for another', async () => {
    expect(await inspect(0)).toEqual(result);
    const other = await inspect(1);
    const confidences = (of: Inspection) => of.suspects.listed.map(({ confidence }) => confidence);
    const found = await readArtifactJson(store, other.inspection, inspectionFile, inspectionSchema);
    expect(confidences(found)).not.toEqual(confidences(inspection));
    expect(found.duplicates).toEqual(inspection.duplicates);
  });

  it('stops when it is asked to', async () => {
    await expect(inspect(0, 'checking train images')).rejects.toThrow(JobStopped);
  });
});
