import { afterAll, beforeAll, expect, it } from 'vitest';
import { reportFolder } from '../../store/index.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';

/** Steps that measure, by the real server, worker and trainers. */
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment();
}, 60_000);
afterAll(() => environment.stop(), 60_000);

const pipeline = `
name: measured
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 3, images: 160 } } }
  other: { uses: prepare-data, with: { dataset: generated, generated: { classes: 2, images: 80, channels: 3 }, channels: 1, seed: 1 } }
  train:
    uses: train-classifier
    needs: [data]
    with: { encoder: { name: small-resnet, channels: 4, blocks: [1] }, batch: 16, epochs: 1 }
  evaluate: { uses: evaluate, needs: [train] }
  robustness: { uses: robustness, needs: [train], with: { corruptions: [jpeg, erasing], images: 20 } }
  outside:
    uses: out-of-distribution
    needs: [train]
    with: { k: 5, outside: "\${steps.other.result.dataset}" }
`;

it('a run measures accuracy, robustness and what is foreign, and reports each; another takes all from the cache', async () => {
  const read = async (run: string, name: string) =>
    new TextDecoder().decode(await environment.store.read(`${reportFolder(run)}/${name}`));
  await environment.start('first', pipeline);
  const first = await environment.result('first');
  expect(first.robustness).toMatchObject({ clean: expect.any(Number), mean: expect.any(Number) });
  expect(first.outside).toMatchObject({ auroc: expect.any(Number), softmaxAuroc: expect.any(Number) });
  await environment.start('second', pipeline);
  expect(await environment.result('second')).toEqual(first);
  for (const run of ['first', 'second']) {
    expect(await read(run, 'evaluate.md')).toContain('## Calibration');
    expect(await read(run, 'robustness.md')).toMatch(/\| jpeg \|( \d+\.\d\d % \|){6}/);
    expect(await read(run, 'outside.md')).toMatch(/\| mahalanobis \| [01]\.\d{4} \|/);
  }
});
