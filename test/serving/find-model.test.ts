/** The model that a person means, by a run, by the pipeline of its newest run, or by the name that it was promoted under. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { findModel } from '../../serving/find-model.ts';
import { addVersion, openStore, recordRun, type Store, savePlan, saveStepResult } from '../../store/index.ts';

let store: Store;
const ref = (kind: ArtifactRef['kind'], digit: number): ArtifactRef => ({ kind, digest: String(digit).repeat(64) });

async function run(
  name: string,
  pipeline: string,
  steps: string,
  results: Readonly<Record<string, object>>,
  at: string,
) {
  const plan = parsePipeline({ text: `name: ${pipeline}\nsteps:\n${steps}`, file: 'p.yaml' });
  await savePlan(store, name, plan);
  await recordRun(store, { run: name, pipeline, params: {}, createdAt: at });
  for (const [step, result] of Object.entries(results))
    await saveStepResult(store, { run: name, step }, { fingerprint: '{}', result: JSON.parse(JSON.stringify(result)) });
}

const steps = `  data: { uses: prepare-data, with: { dataset: fashion-mnist } }
  pretrain: { uses: pretrain, needs: [data] }
  probe: { uses: linear-probe, needs: [pretrain] }
  evaluate: { uses: evaluate, needs: [probe] }
`;
const two = `  data: { uses: prepare-data, with: { dataset: fashion-mnist } }
  first: { uses: pretrain, needs: [data] }
  second: { uses: pretrain, needs: [data] }
`;
const results = (digit: number) => ({
  pretrain: { encoder: ref('encoder', digit) },
  probe: { classifier: ref('classifier', digit) },
  evaluate: { evaluation: ref('evaluation', digit), top1: 0.9, top5: null, weakest: { class: 'a' } },
});

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  store = openStore(folder);
  await run('shop-1', 'shop', steps, results(1), '2026-11-01T00:00:00.000Z');
  await run('shop-2', 'shop', steps, { pretrain: { encoder: ref('encoder', 2) } }, '2026-11-02T00:00:00.000Z');
  await run('shop-3', 'shop', steps, {}, '2026-11-03T00:00:00.000Z');
  await run(
    'arms-1',
    'arms',
    two,
    { first: { encoder: ref('encoder', 3) }, second: { encoder: ref('encoder', 4) } },
    '2026-11-01T00:00:00.000Z',
  );
  await addVersion(store, {
    ...{ model: 'shirts', version: 1, run: 'shop-1', step: null, metrics: { top1: 0.9 }, reason: 'the first' },
    ...{ encoder: ref('encoder', 1), classifier: null, evaluation: ref('retrieval', 1), testSet: '0'.repeat(64) },
    index: ref('index', 1),
  });
});

it('is all that a run made, with the numbers of its evaluation', async () =>
  expect(await findModel(store, { run: 'shop-1' })).toEqual({
    ...{ name: 'shop-1/pretrain', version: null, run: 'shop-1', index: null, metrics: { top1: 0.9, top5: null } },
    ...{ encoder: ref('encoder', 1), classifier: ref('classifier', 1), evaluation: ref('evaluation', 1) },
  }));

it('of a pipeline is that of the newest run with a finished training', async () =>
  expect(await findModel(store, { run: 'shop' })).toMatchObject({ run: 'shop-2', classifier: null, metrics: null }));

it('of a name is the current version, whose retrieval is no evaluation', async () =>
  expect(await findModel(store, { model: 'shirts' })).toMatchObject({
    ...{ name: 'shirts', version: 1, run: 'shop-1', evaluation: null, index: ref('index', 1) },
  }));

it('of several encoders is the one that is chosen', async () =>
  expect(await findModel(store, { run: 'arms-1', step: 'second' })).toMatchObject({ encoder: ref('encoder', 4) }));

it.each([
  [{ run: 'arms-1' }, /several encoders\. Choose one with --step: first, second/],
  [{ run: 'arms-1', step: 'third' }, /no finished training or adapter third\. There is: first, second/],
  [{ run: 'shop-3' }, /No training of shop-3 has finished yet/],
  [{ run: 'nothing' }, /There is no run nothing/],
  [{ run: '../etc' }, /The run id "\.\.\/etc"/],
  [{ model: 'coats' }, /There is no model coats\. There is: shirts/],
  [{ model: '../x' }, /The model name "\.\.\/x"/],
])('that is not there or not clear is refused: %o', async (named, said) =>
  expect(findModel(store, named)).rejects.toMatchObject({ code: 'Usage', message: expect.stringMatching(said) }),
);

it('is not found by the name of a model where a run is meant, or the other way round, and that is said', async () => {
  await expect(findModel(store, { run: 'shirts' })).rejects.toThrow(
    'shirts is a promoted model, and no run: name it as `--model shirts`',
  );
  for (const model of ['shop-1', 'shop'])
    await expect(findModel(store, { model })).rejects.toThrow(
      `${model} is a run, or a pipeline, and no promoted model.`,
    );
  await expect(findModel(store, { model: 'shirst' })).rejects.toThrow('There is no model shirst. There is: shirts.');
  await expect(findModel(store, { run: 'nope' })).rejects.toThrow('There is no run nope in this store');
});
