import { dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { modelsPromoteCommand } from '../../../cli/commands/models/promote.ts';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import type { Candidate, ModelVersion, PromotionMetric } from '../../../contracts/models.ts';
import { queriesFile, retrievalFile } from '../../../contracts/retrieval.ts';
import { judgeSearch } from '../../../evaluation/promotion/judge-search.ts';
import { parsePipeline } from '../../../pipelines/language/index.ts';
import {
  bytesOf,
  emptyArtifact,
  encodeSafetensors,
  jsonBytes,
  loadCurrent,
  savePlan,
  saveStepResult,
  writeArtifact,
} from '../../../store/index.ts';
import { complete } from '../../report/complete.ts';
import { generatedData } from '../../training/small-training.ts';
import { indexOf } from '../../vectors/vectors.ts';

const { store, dataset } = await generatedData(400);
const [sample] = complete.retrieval;
if (!sample) throw new Error('the complete report has a retrieval');

const encoderNamed = (name: string) => ({ kind: 'encoder', digest: name.padStart(64, '0') }) as const;

/** A search of 40 test images, as a trainer writes it, of which the first so many leak. */
async function searched(leaking: number, name: string): Promise<ArtifactRef> {
  const encoder = encoderNamed(name);
  const ints = (tensor: string, of: (row: number) => number) => ({
    name: tensor,
    dtype: 'I32' as const,
    shape: [40],
    data: bytesOf(Int32Array.from({ length: 40 }, (_, row) => of(row))),
  });
  const mapAtR = { name: 'mapAtR', dtype: 'F32', shape: [40], data: bytesOf(new Float32Array(40).fill(0.5)) } as const;
  const tensors = [
    ints('rows', (row) => row),
    ints('labels', (row) => row % 2),
    ints('first', () => 1),
    ints('leftOut', (row) => Number(row < leaking)),
    mapAtR,
  ];
  const { query, gallery, ...measures } = sample?.retrieval ?? {};
  return writeArtifact(store, {
    kind: 'retrieval',
    about: { encoder, dataset },
    files: [
      {
        path: retrievalFile,
        content: jsonBytes({ ...measures, query: { split: 'test' }, gallery: { split: 'test' } }),
      },
      { path: queriesFile, content: Buffer.concat(encodeSafetensors(tensors)) },
    ],
  });
}

const candidateOf = (evaluation: ArtifactRef): Candidate => ({
  run: 'next',
  step: 'promote',
  encoder: { kind: 'encoder', digest: 'e'.repeat(64) },
  classifier: null,
  evaluation,
  metrics: { recallAt1: 0.9 },
  testSet: dataset.digest,
});

const judged = async (candidate: ArtifactRef, current: ArtifactRef) =>
  judgeSearch(
    store,
    candidateOf(candidate),
    {
      ...candidateOf(current),
      format: 'contrail-model/1',
      model: 'products',
      version: 1,
      reason: 'the first',
      promotedAt: '2026-11-27T00:00:00.000Z',
    } satisfies ModelVersion,
    {
      metric: 'recallAt1',
      margin: 0,
      minimumImages: 30,
      unknownOverlap: true,
      measureAgain: async () => 'it is not measured again here',
    },
  );

describe('two encoders by what their searches find', () => {
  it('are compared on the queries that do not leak, of which enough must be left', async () => {
    const current = await searched(5, 'a');
    expect(await judged(await searched(10, 'b'), current)).toMatchObject({ images: 30, before: 1, after: 1 });
    expect(await judged(await searched(11, 'c'), current)).toMatchObject({
      images: null,
      reason: expect.stringMatching(/^only 29 of 40 queries are new to both and do not leak; at least 30 are needed/),
    });
  });

  it('are not compared where the answers were removed with an image that was forgotten', async () => {
    const [current, candidate] = [await searched(0, 'd'), await searched(0, 'e')];
    await emptyArtifact(store, candidate, { files: [queriesFile], at: new Date().toISOString() });
    expect(await judged(candidate, current)).toMatchObject({ images: null, better: false });
  });

  it('are promoted by hand as by a step: what the search of a run found decides', async () => {
    const plan = parsePipeline({
      file: 'p.yaml',
      text: 'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n  pretrain: { uses: pretrain, needs: [data] }\n  search: { uses: retrieval, needs: [pretrain] }\n',
    });
    const run = async (id: string, retrieval: ArtifactRef) => {
      await savePlan(store, id, plan);
      await saveStepResult(store, { run: id, step: 'search' }, { fingerprint: '{}', result: { retrieval } });
    };
    await run('first', await searched(5, 'f'));
    await run('second', await searched(10, '1'));
    vi.stubEnv('CONTRAIL_STORE', dirname(store.locate('runs')));
    const terms = { margin: 0, minimumImages: 1, unknownOverlap: true, force: false, json: false };
    const promote = (id: string, metric: PromotionMetric, more = {}) =>
      modelsPromoteCommand(id, { ...terms, model: 'products', metric, ...more });
    try {
      await expect(promote('first', 'top1')).rejects.toThrow(
        'No evaluate step of first has finished. Its retrieval decides with `--metric recallAt1` or `mapAtR`.',
      );
      expect(await promote('first', 'recallAt1')).toBe(0);
      await expect(promote('second', 'recallAt1')).rejects.toThrow(
        /^products stays as it is: recallAt1 1, and version 1 has 1, on 30 test images/,
      );
      expect(await promote('second', 'mapAtR', { force: true })).toBe(0);
      expect((await loadCurrent(store, 'products'))?.index).toBeUndefined();
      const rows = [{ name: 'a.jpg', vector: [1, 0] }];
      const index = await indexOf(store, { rows, encoder: encoderNamed('1') });
      const foreign = await indexOf(store, { rows, encoder: encoderNamed('f') });
      await saveStepResult(store, { run: 'second', step: 'data' }, { fingerprint: '{}', result: { index } });
      await saveStepResult(
        store,
        { run: 'second', step: 'pretrain' },
        { fingerprint: '{}', result: { index: foreign } },
      );
      const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      expect(await promote('second', 'mapAtR', { force: true })).toBe(0);
      expect(String(said.mock.calls)).toContain('the model of second, version 3, with the index that it built: ');
      said.mockRestore();
      expect((await loadCurrent(store, 'products'))?.index).toEqual(index);
      await expect(promote('second', 'recallAt1', { step: 'data' })).rejects.toThrow(
        'second has no retrieval step data. There is: search.',
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
