import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encoderHistory } from '../../cli/encoder-history.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openStore, savePlan, saveStepResult } from '../../store/index.ts';

const sha256 = 'b'.repeat(64);
const encoderOf = (digit: string): ArtifactRef => ({ kind: 'encoder', digest: digit.repeat(64) });
let folder: string;
let store: ReturnType<typeof openStore>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-history-'));
  store = openStore(join(folder, 'store'));
  const text = `name: photos
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  load:
    uses: load-encoder
    needs: [data]
    with: { encoder: { name: mobilenetv3, size: small }, weights: { path: /models/mobile.safetensors, sha256: ${sha256} } }
  embed: { uses: embed, needs: [data, load] }
  adapter: { uses: adapt, needs: [embed] }
  trained: { uses: pretrain, needs: [data], with: { encoder: small-resnet, ema: {} } }
  before: { uses: retrieval, needs: [data, load] }
  after: { uses: retrieval, needs: [data, adapter] }
  by-head: { uses: retrieval, needs: [data, trained], with: { of: projection } }
`;
  await savePlan(store, 'photos', parsePipeline({ text, file: 'photos.yaml' }));
  const done = { fingerprint: '{}', seconds: 1, finishedAt: '2026-11-24T10:00:00.000Z' };
  const results = {
    load: { encoder: encoderOf('1') },
    adapter: { encoder: encoderOf('2'), loss: 1, images: 9 },
    trained: { encoder: encoderOf('3') },
    before: { recallAt1: 0.5, retrieval: { kind: 'retrieval', digest: sha256 } },
    after: { recallAt1: 0.75, mapAtR: null, query: 'test' },
    'by-head': { recallAt1: 0.9 },
  };
  for (const [step, result] of Object.entries(results))
    await saveStepResult(store, { run: 'photos', step }, { ...done, result });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('what a run tells of an encoder that is exported', () => {
  it('is of an adapter the weights behind it, and what searched by it', async () => {
    expect(await encoderHistory(store, 'photos', encoderOf('2'))).toEqual({
      origin: { weights: { name: 'mobile.safetensors', sha256 } },
      searches: [{ step: 'after', measures: { recallAt1: 0.75, mapAtR: null } }],
    });
  });

  it('has of a training that it is averaged, and no search by its head, which is not exported', async () => {
    expect(await encoderHistory(store, 'photos', encoderOf('3'))).toEqual({
      origin: { averaged: 0.9999 },
      searches: [],
    });
  });

  it('is nothing where the run is gone, or made another encoder', async () => {
    expect(await encoderHistory(store, 'gone', encoderOf('2'))).toBeNull();
    expect(await encoderHistory(store, 'photos', encoderOf('9'))).toBeNull();
  });
});
