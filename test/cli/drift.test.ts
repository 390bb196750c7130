import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { splitParameters } from '../../activities/training.ts';
import { driftOf } from '../../cli/drift.ts';
import { planByNow } from '../../cli/plan-by-now.ts';
import type { Json } from '../../contracts/json.ts';
import { stepKinds } from '../../contracts/step-kinds.ts';
import { acquireLease, bytesOf, openCheckpoints, openStore, savePlan, saveStepResult } from '../../store/index.ts';
import { planOf } from '../pipelines/plan.ts';
import { swept, usual } from '../pipelines/swept.ts';

/** A run that was stopped after a training of a trial, and one whose seed a step gave, each with a checkpoint. */
const folder = await mkdtemp(join(tmpdir(), 'contrail-drift-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const store = openStore(folder);
const run = 'stopped';
const of = (epochs: number) =>
  planOf(
    swept(
      { halving: '{ from: 1 }' },
      usual.replace('epochs: 9', `epochs: ${epochs}`),
      `  chosen: { uses: choose, needs: [data], with: { by: [0.5], goal: highest } }
  own: { uses: pretrain, needs: [data], with: { epochs: 3, optimizer: { name: sgd, learningRate: "\${steps.chosen.result.value}" } } }`,
    ),
  );
const plan = of(9);
await savePlan(store, run, plan);
await saveStepResult(store, { run, step: 'chosen' }, { fingerprint: '{}', result: { value: 0.5, index: 0 } });
const { steps } = await planByNow(store, run, plan);

/** Leaves a checkpoint as the training of a step does that was started with these parameters. */
async function trained(step: string, parameters: Json) {
  const { config } = splitParameters('pretrain', stepKinds.pretrain.parameters.parse(parameters));
  const lease = await acquireLease(store, { run, step }, 'somebody');
  await openCheckpoints(store, { run, step }).commit(lease, {
    ...{ epoch: 1, step: 0, metadata: {} },
    config: { dataset: 'd'.repeat(64), ...(JSON.parse(JSON.stringify(config)) as Record<string, Json>) },
    metrics: { loss: 1, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 },
    best: { epoch: 1, loss: 1 },
    tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(1)) }],
  });
}
const trial = 'sweep-pretrain@trial=0,epochs=1';
await trained(trial, steps.find(({ id }) => id === trial)?.with ?? {});
await trained('own', { epochs: 3, optimizer: { name: 'sgd', learningRate: 0.5 } });

it('a run that goes on as it was has no drift, though trials and results fill in its trainings while it runs', async () => {
  expect(await driftOf(store, run, { before: plan, now: plan }, {})).toEqual([]);
});

it('what is another setting now is told, and no default that stands in no file', async () => {
  const drift = await driftOf(store, run, { before: plan, now: of(27) }, {});
  expect(drift.map(({ what, before, now, needs }) => ({ what, before, now, needs }))).toEqual([
    { what: `${trial}.epochs`, before: 9, now: 27, needs: 'nothing' },
  ]);
});
