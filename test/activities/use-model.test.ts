import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActivityContext } from '../../activities/context.ts';
import { useModel } from '../../activities/use-model.ts';
import type { ArtifactKind, ArtifactRef } from '../../contracts/artifacts.ts';
import type { ModelVersion } from '../../contracts/models.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { addVersion, listCacheKeys, openStore, type Store, writeArtifact } from '../../store/index.ts';
import { resolveStep } from '../../workflows/step.ts';

/** A step that takes a promoted model for the steps that follow. */
let folder = '';
let store: Store;
/** Encoders of two trainings. */
const encoders: ArtifactRef[] = [];
const ref = <K extends ArtifactKind>(kind: K, digit: string) => ({ kind, digest: digit.repeat(64) });

const version = (number: number, more: Partial<ModelVersion> = {}): ModelVersion => ({
  format: 'contrail-model/1',
  model: 'shirts',
  version: number,
  run: 'nightly',
  step: null,
  encoder: encoders[number - 1] ?? ref('encoder', String(number)),
  classifier: null,
  evaluation: ref('evaluation', 'e'),
  metrics: {},
  testSet: 'f'.repeat(64),
  reason: 'better',
  promotedAt: '2026-11-01T00:00:00.000Z',
  ...more,
});

const use = (parameters: { readonly [name: string]: string }) =>
  new MockActivityEnvironment().run(() =>
    useModel({ store } as ActivityContext, {
      ...{ run: 'weekly', step: 'model', parameters, inputs: {} },
      fingerprint: JSON.stringify({ uses: 'use-model' }),
    }),
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  store = openStore(folder);
  for (const digit of ['1', '2'])
    encoders.push(
      await writeArtifact(store, {
        kind: 'encoder',
        about: {
          encoder: { name: 'small-resnet', channels: 8, blocks: [1] },
          dimension: 8,
          image: { height: 32, width: 32, channels: 1, mean: [0.5], deviation: [0.5] },
          dataset: digit.repeat(64),
          trainingState: digit.repeat(64),
          epochs: 1,
          batchNormImages: 8,
        },
        files: [],
      }),
    );
  await addVersion(store, version(1));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('use-model', () => {
  it('takes the version that is current, and never what an earlier run took', async () => {
    const first = await use({ model: 'shirts' });
    expect(first).toMatchObject({
      encoder: encoders[0],
      dataset: ref('dataset', '1'),
      classifier: null,
      index: null,
      version: 1,
      name: 'shirts',
    });
    await addVersion(store, version(2, { classifier: ref('classifier', 'c'), index: ref('index', 'a') }));
    const second = await use({ model: 'shirts' });
    expect(second).toMatchObject({ version: 2, classifier: ref('classifier', 'c'), index: ref('index', 'a') });
    expect(await listCacheKeys(store)).toEqual([]);
  });

  it('fails for good where there is no such model or run', async () => {
    await expect(use({ model: 'coats' })).rejects.toMatchObject({ code: 'InvalidInput', message: /no model coats/ });
    await expect(use({ run: 'nothing' })).rejects.toMatchObject({ code: 'InvalidInput', message: /no run nothing/ });
  });

  it('stops a step that needs what the model lacks, and says what', () => {
    const { steps } = parsePipeline(
      {
        file: 'p.yaml',
        text: `
name: p
steps:
  model: { uses: use-model, with: { model: shirts } }
  embed: { uses: embed-images, needs: [model], with: { images: { path: photos } } }
`,
      },
      {},
    );
    const [, embed] = steps;
    if (!embed) throw new Error('there are two steps');
    expect(embed.inputs.encoder).toEqual({ step: 'model', field: 'encoder', kind: 'encoder' });
    expect(() => resolveStep(embed, { model: { encoder: null } }, { matrices: {}, run: { id: 'r' } })).toThrow(
      /takes an encoder of step model, which has not made one/,
    );
  });

  it('is refused without a model or a run, or with both', () => {
    const plan = (given: string) => () =>
      parsePipeline({ file: 'p.yaml', text: `name: p\nsteps:\n  model: { uses: use-model, with: ${given} }\n` }, {});
    expect(plan('{}')).toThrow(/must name either a `model` or a `run`/);
    expect(plan('{ model: a, run: b }')).toThrow(/must name either a `model` or a `run`/);
    expect(plan('{ model: a, step: b }')).toThrow(/name the `run` as well/);
  });
});
