import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reportFolder } from '../../store/index.ts';
import { runForJson } from './command.ts';
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
  lookalikes: { uses: retrieval, needs: [train] }
  outside:
    uses: out-of-distribution
    needs: [train]
    with: { k: 5, outside: "\${steps.other.result.dataset}" }
  health: { uses: inspect-data, needs: [data], with: { folds: 2, epochs: 2 } }
  encoder-health: { uses: inspect-data, needs: [data], with: { folds: 2, epochs: 2, encoder: "\${steps.train.result.encoder}" } }
  report: { uses: report, needs: [health, encoder-health, evaluate, robustness, lookalikes, outside] }
`;

it('a run measures accuracy, robustness, look-alikes and what is foreign, and reports each; another takes all from the cache', async () => {
  const read = async (run: string, name: string) =>
    new TextDecoder().decode(await environment.store.read(`${reportFolder(run)}/${name}`));
  await environment.start('first', pipeline);
  const { report: _, ...first } = await environment.result('first');
  expect(first.robustness).toMatchObject({ clean: expect.any(Number), mean: expect.any(Number) });
  expect(first.outside).toMatchObject({ auroc: expect.any(Number), softmaxAuroc: expect.any(Number) });
  expect(first.health).toMatchObject({ images: 160, sameEmbedding: null, labelSuspects: expect.any(Number) });
  expect(first['encoder-health']).toMatchObject({ images: 160, sameEmbedding: expect.any(Number) });
  await environment.start('second', pipeline);
  expect(await environment.result('second')).toMatchObject(first);
  for (const run of ['first', 'second']) {
    expect(await read(run, 'evaluate.md')).toContain('## Calibration');
    expect(await read(run, 'robustness.md')).toMatch(/\| jpeg \|( \d+\.\d\d % \|){6}/);
    expect(await read(run, 'lookalikes.md')).toMatch(/\| recall at 1 \| \d+\.\d\d % \| \d+\.\d\d % to \d+\.\d\d % \|/);
    expect(await read(run, 'health.md')).toContain('160 images compared by their pixels');
    expect(await read(run, 'encoder-health.md')).toContain('160 images compared by an encoder');
    expect(await read(run, 'health-relabels.csv')).toMatch(/^image,label,suggested,confidence,note\n/);
    expect(await read(run, 'outside.md')).toMatch(/\| mahalanobis \| [01]\.\d{4} \|/);
  }
});

it('the report is a step, and a command that writes the same page for the same run again', async () => {
  const { report } = await environment.result('first');
  const page = new TextDecoder().decode(await environment.store.read(String(report?.page)));
  expect(page).toContain('Out of distribution');
  expect(page).toContain('Data health');
  const to = join(environment.home.folder, 'pages');
  const written = await runForJson(environment.home, ['report', 'first', '--to', to]);
  expect(written).toMatchObject({ run: 'first', page: join(to, 'report.html'), top1: report?.top1 });
  expect(await readFile(join(to, 'report.html'), 'utf8')).toContain('Out of distribution');
  const compared = await runForJson(environment.home, ['compare', 'first', 'second', '--to', to]);
  expect(compared).toMatchObject({ runs: ['first', 'second'] });
});
