import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SweepResult } from '../../contracts/kinds/sweep.ts';
import { loadEpochMetrics, loadStepResults, openCheckpoints } from '../../store/index.ts';
import { randomMoment } from '../random.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';
import { recordHistory } from './record-history.ts';

/** Five settings of a training of four epochs, which stops after one and after two; the better half goes on. */
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment();
}, 180_000);
afterAll(() => environment.stop());

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const training = (learningRate: string, temperature: string) => `
            encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }
            projection: { hidden: 32, output: 16 }
            loss: { supcon: { temperature: ${temperature} } }
            augmentation: { flip: 0, rotation: 0.02, zoom: 0.1 }
            optimizer: { name: adam, learningRate: ${learningRate} }
            schedule: cosine
            batch: 32
            epochs: 4
            seed: 3`;

const swept = (name: string) => `
name: ${name}
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 4, images: 320 } } }
  sweep:
    uses: sweep
    needs: [data]
    with:
      search: random
      trials: 5
      over:
        learningRate: { log: [0.0001, 0.1] }
        temperature: [0.1, 0.2]
      halving: { from: 1, factor: 2 }
      objective: { minimise: "\${steps.pretrain.result.loss}" }
      steps:
        pretrain:
          uses: pretrain
          cache: false
          with: ${training('"${sweep.learningRate}"', '"${sweep.temperature}"')}
  probe: { uses: linear-probe, needs: [sweep], cache: false, with: { epochs: 5, batch: 64, learningRates: [0.05] } }
  again:
    uses: pretrain
    needs: [data]
    cache: false
    when: steps.sweep.result.value > 0
    with: ${training('"${steps.sweep.result.parameters.learningRate}"', '"${steps.sweep.result.parameters.temperature}"').replaceAll('\n    ', '\n')}
`;

/** The settings of the winner, as somebody writes them who has read the report. */
const alone = (learningRate: string, temperature: string) => `
name: alone
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 4, images: 320 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with: ${training(learningRate, temperature).replaceAll('\n    ', '\n')}
`;

const resultOf = async (run: string) => (await environment.result(run)).sweep as unknown as SweepResult;
/** Waits until so many trials have arrived at a rung. */
async function reached(run: string, count: number): Promise<void> {
  for (;;) {
    const results = await loadStepResults(environment.store, run);
    if (Object.keys(results).filter((id) => id.startsWith('sweep-trial@')).length >= count) return;
    environment.requireWorker();
    await sleep(100);
  }
}

const order = ({ table }: SweepResult) => table.map(({ trial, parameters, rungs }) => ({ trial, parameters, rungs }));

it('pauses losers and goes on with winners, to the same bits as a training that never stopped', {
  timeout: 600_000,
}, async () => {
  await environment.start('calm', swept('calm'));
  const calm = await resultOf('calm');
  expect(calm.table.map(({ rungs }) => rungs.map(({ epochs }) => epochs))).toEqual([[1, 2, 4], [1, 2], [1], [1], [1]]);
  expect(calm.epochs).toBe(5 + 2 + 2);
  const results = await loadStepResults(environment.store, 'calm');
  const last = `sweep-pretrain@trial=${calm.trial},epochs=4`;
  expect(results.again?.result.digest).toBe(results[last]?.result.digest);
  // What was trained to its end is the same to the cache as a training by itself; what stopped before is not.
  const stoppedAt = (epochs: number) => results[`sweep-pretrain@trial=${calm.trial},epochs=${epochs}`]?.fingerprint;
  expect(results.again?.fingerprint).toBe(stoppedAt(4));
  expect(results.again?.fingerprint).not.toBe(stoppedAt(2));
  // It did not begin anew: its first checkpoint is the one that the trial stopped at.
  const own = await openCheckpoints(environment.store, { run: 'calm', step: last }).names();
  const before = await openCheckpoints(environment.store, {
    run: 'calm',
    step: `sweep-pretrain@trial=${calm.trial},epochs=2`,
  }).list();
  expect(before.map(({ manifest }) => manifest.epoch)).toContain(2);
  expect(own.some((name) => name.startsWith('epoch-000001'))).toBe(false);
  expect((await loadEpochMetrics(environment.store, { run: 'calm', step: last })).map(({ epoch }) => epoch)).toEqual([
    1, 2, 3, 4,
  ]);
  expect(results.probe?.result.validationTop1).toBeTypeOf('number');

  await recordHistory(environment, 'calm', 'pipeline-sweep');
  await recordHistory(environment, `calm/${last}`, 'training-promoted');

  const { learningRate, temperature } = calm.parameters;
  await environment.start('alone', alone(String(learningRate), String(temperature)));
  const { pretrain } = await environment.result('alone');
  expect(pretrain).toMatchObject({ digest: calm.steps.pretrain.digest, trained: { run: 'calm' } });
  expect(await loadEpochMetrics(environment.store, { run: 'alone', step: 'pretrain' })).toEqual([]);

  await environment.start('killed', swept('killed'));
  // Amid the first rung, at its end, and amid the second.
  for (const done of [2, 5, 6]) {
    await reached('killed', done);
    await sleep(randomMoment(`kill after ${done} trials`, 0, 1500));
    await environment.killWorker();
  }
  const killed = await resultOf('killed');
  expect(order(killed)).toEqual(order(calm));
  expect(killed.epochs).toBe(calm.epochs);
  expect(killed.steps.pretrain.digest).toBe(calm.steps.pretrain.digest);
});
