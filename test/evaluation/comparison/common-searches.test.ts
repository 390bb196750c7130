/** Two runs whose encoders were measured by a search, side by side. */
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { queriesFile, retrievalFile } from '../../../contracts/retrieval.ts';
import { describeDataset } from '../../../datasets/index.ts';
import { commonSearches } from '../../../evaluation/comparison/common-searches.ts';
import { parsePipeline } from '../../../pipelines/language/index.ts';
import { buildComparison, gather } from '../../../report/index.ts';
import {
  bytesOf,
  encodeSafetensors,
  jsonBytes,
  recordRun,
  savePlan,
  saveStepResult,
  writeArtifact,
} from '../../../store/index.ts';
import { complete } from '../../report/complete.ts';
import { generatedData } from '../../training/small-training.ts';

const { store, dataset } = await generatedData(400);
const about = await describeDataset(store, dataset);
const queries = about.splits.test.count;
const sample = complete.retrieval[0]?.retrieval;

/** A run with an encoder and a search, of which the first queries find their class and the others do not. */
async function searched(
  run: string,
  {
    found,
    leaking = 0,
    on = dataset,
    kept = true,
    of,
    steps = ['search'],
  }: {
    found: number;
    steps?: readonly string[];
    leaking?: number;
    on?: ArtifactRef;
    kept?: boolean;
    of?: 'projection';
  },
): Promise<void> {
  const encoder = await writeArtifact(store, {
    kind: 'encoder',
    about: {
      encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
      dimension: 8,
      image: { height: 32, width: 32, channels: 1, mean: [0], deviation: [1] },
      dataset: dataset.digest,
      trainingState: 'a'.repeat(64),
      epochs: 1,
      batchNormImages: 1,
    },
    files: [{ path: 'encoder.safetensors', content: jsonBytes(run) }],
  });
  const ints = (name: string, of: (row: number) => number) => ({
    name,
    dtype: 'I32' as const,
    shape: [queries],
    data: bytesOf(Int32Array.from({ length: queries }, (_, row) => of(row))),
  });
  const mapAtR = Float32Array.from({ length: queries }, (_, row) => (row < found ? 1 : 0.25));
  const { query: _, gallery: __, ...measures } = sample ?? {};
  const retrieval = await writeArtifact(store, {
    kind: 'retrieval',
    about: { encoder, dataset: on },
    files: [
      {
        path: retrievalFile,
        content: jsonBytes({
          ...measures,
          query: { split: 'test' },
          gallery: { split: 'test' },
          ...(of ? { of } : {}),
        }),
      },
      ...(kept
        ? [
            {
              path: queriesFile,
              content: encodeSafetensors([
                ints('rows', (row) => row),
                ints('labels', (row) => row % 2),
                ints('first', (row) => (row < found ? 1 : 3)),
                ints('leftOut', (row) => Number(row < leaking)),
                { name: 'mapAtR', dtype: 'F32', shape: [queries], data: bytesOf(mapAtR) } as const,
              ]),
            },
          ]
        : []),
    ],
  });
  const searches = steps.map((step) => `  ${step}: { uses: retrieval, needs: [pretrain] }\n`).join('');
  const text = `name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n  pretrain: { uses: pretrain, needs: [data] }\n${searches}`;
  await savePlan(store, run, parsePipeline({ text, file: 'p.yaml' }));
  const createdAt = '2026-11-24T09:00:00.000Z';
  await recordRun(store, { run, pipeline: 'p', params: {}, createdAt, environment: {} });
  for (const step of steps) await saveStepResult(store, { run, step }, { fingerprint: '{}', result: { retrieval } });
}

const compared = async (...runs: readonly string[]) => {
  const found = [];
  for (const run of runs)
    found.push(...(await gather(store, run, { maps: false })).retrieval.map((each) => ({ ...each, arm: run, run })));
  return (await commonSearches(store, found)).compared;
};

describe('two searches of the same images', () => {
  it('are compared on the queries that leak in neither, query by query', async () => {
    await searched('better', { found: 60 });
    await searched('worse', { found: 40, leaking: 10 });
    const left = queries - 10;
    const [search] = await compared('better', 'worse');
    expect(search).toMatchObject({ title: 'test images, each among all the others', problem: null, queries: left });
    expect(search?.measures.map(({ metric }) => metric)).toEqual(['recallAt1', 'mapAtR']);
    const [recall, map] = search?.measures ?? [];
    expect(recall?.values).toEqual([50 / left, 30 / left].map((value) => expect.closeTo(value, 10)));
    expect((map?.values[0] ?? 0) - (map?.values[1] ?? 0)).toBeCloseTo((0.75 * 20) / left, 6);
    const [low = 0, high = 0] = recall?.interval ?? [];
    expect(low).toBeGreaterThan(0);
    expect(low).toBeLessThan(20 / left);
    expect(high).toBeGreaterThan(20 / left);
  });

  it('are not the same where one goes by projections and one by embeddings', async () => {
    await searched('projected', { found: 60, of: 'projection' });
    await searched('embedded', { found: 40 });
    expect(await compared('projected', 'embedded')).toEqual([]);
  });

  it('are on the page of `contrail compare`, for runs that evaluated nothing', async () => {
    const { files, name } = await buildComparison(store, ['better', 'worse']);
    const { document } = parseHTML(new TextDecoder().decode(files.get(`${name}.html`)));
    const text = document.querySelector('section#searches')?.textContent ?? '';
    expect(text).toContain('Test images, each among all the others');
    expect(text).toContain(`On ${queries - 10} queries`);
    expect(text).toMatch(/recall at 1/);
    expect(document.querySelector('section#retrieval')).not.toBeNull();
  });

  const pages = async (runs: readonly string[]) => {
    const { files, name } = await buildComparison(store, runs);
    const { document } = parseHTML(new TextDecoder().decode(files.get(`${name}.html`)));
    return document.querySelector('section#searches')?.textContent ?? '';
  };

  it('are those of the same step where a run made them several times, and what is left is named', async () => {
    await searched('before-and-after', { found: 60, steps: ['search', 'after'] });
    const text = await pages(['before-and-after', 'worse']);
    expect(text).toContain(`On ${queries - 10} queries`);
    expect(text).toContain(
      'Test images, each among all the others: after of before-and-after is not compared: where a run made a search several times, those of steps of the same name are compared.',
    );
  });

  it('are both compared where both runs made them several times', async () => {
    await searched('twice', { found: 40, steps: ['search', 'after'] });
    await searched('twice-better', { found: 60, steps: ['search', 'after'] });
    const found = await compared('twice', 'twice-better');
    expect(found.map(({ problem }) => problem)).toEqual([null, null]);
    expect(await pages(['twice', 'twice-better'])).not.toContain('not compared');
  });

  it('name what nothing can be compared with: a search of one run, or of three', async () => {
    await searched('by-head', { found: 60, of: 'projection' });
    expect(await pages(['by-head', 'worse'])).toContain(
      'search of by-head is not compared: no other run made this search.',
    );
    expect(await pages(['better', 'worse', 'twice'])).toContain(
      'are not compared: 3 runs made this search, and two are compared at a time.',
    );
  });

  it('say why they are not compared', async () => {
    const other = { kind: 'dataset', digest: 'f'.repeat(64) } as const;
    await searched('elsewhere', { found: 50, on: other });
    await searched('old', { found: 50, kept: false });
    await searched('leaky', { found: 50, leaking: queries - 20 });
    const problem = async (run: string) => (await compared('better', run))[0]?.problem;
    expect(await problem('elsewhere')).toBe('They searched different data sets.');
    expect(await problem('old')).toBe(
      'The search of old keeps no single answers: it is of an earlier version, or an image was forgotten.',
    );
    expect(await problem('leaky')).toMatch(
      /^Of \d+ queries only 20 are new to both and do not leak; a comparison takes at least 30\.$/,
    );
    const { files, name } = await buildComparison(store, ['better', 'elsewhere']);
    const { document } = parseHTML(new TextDecoder().decode(files.get(`${name}.html`)));
    expect(document.querySelector('section#searches')?.textContent).toContain(
      'better and elsewhere are not compared: They searched different data sets. So nothing here says which is better.',
    );
    expect(document.querySelectorAll('section#retrieval .best')).toHaveLength(0);
  });
});
