import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { artifactRefSchema } from '../../contracts/artifacts.ts';
import { readRowDigests } from '../../datasets/index.ts';
import { loadStepResult } from '../../store/index.ts';
import { runCommand, runForJson } from './command.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

/** An image is forgotten by the command, on the real server: not while a run uses it, and the next run goes on without it. */
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment();
}, 60_000);
afterAll(() => environment.stop(), 60_000);

const preparedSchema = z.object({ dataset: artifactRefSchema, counts: z.record(z.string(), z.number()) });
const countsOf = async (run: string) =>
  preparedSchema.parse((await loadStepResult(environment.store, { run, step: 'data' }))?.result);

it('an image is forgotten once no run uses it, and a new run goes on without it', { timeout: 600_000 }, async () => {
  const { home, store } = environment;
  await environment.start('first', smallPipeline({ epochs: 1 }));
  await environment.result('first');
  const { dataset, counts } = await countsOf('first');
  const image = (await readRowDigests(store, dataset, 'test'))?.source[0] ?? '';

  await environment.start('going', smallPipeline({ epochs: 200 }));
  while (!(await loadStepResult(store, { run: 'going', step: 'data' }))) await new Promise((go) => setTimeout(go, 100));
  const refused = await runCommand(home, ['dataset', 'forget', image, '--yes']);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('The run going goes on and uses the image: nothing is removed.'),
  });
  expect(await store.list('forgotten')).toEqual([]);
  await runCommand(home, ['cancel', 'going', '--wait']);

  const dryRun = await runCommand(home, ['dataset', 'forget', image, '--dry-run']);
  expect(dryRun.stdout).toMatch(/The image is 1 row of 1 data set:\n {2}dataset [0-9a-f]{12}, test image 0/);
  expect(dryRun.stdout).toMatch(/evaluation [0-9a-f]{12}: embedding\.safetensors, predictions\.safetensors/);
  expect(await store.list('forgotten')).toEqual([]);
  expect(await runForJson(home, ['dataset', 'forget', image, '--yes'])).toMatchObject({
    sources: [image],
    rows: [{ dataset: dataset.digest, split: 'test', row: 0 }],
    datasets: [dataset.digest],
    trained: [],
    runs: [{ run: 'first' }, { run: 'going' }],
  });

  // Its result was in the cache, and is not taken from there.
  await environment.start('second', smallPipeline({ epochs: 1 }));
  await environment.result('second');
  const second = await countsOf('second');
  expect(second.counts).toEqual({ ...counts, test: (counts.test ?? 0) - 1 });
  const shown = await runCommand(home, ['dataset', 'show', 'second', '--rejected']);
  expect(shown.stdout).toMatch(/was forgotten on \d{4}-\d{2}-\d{2}/);
  const report = await runCommand(home, ['report', 'first']);
  expect(report, report.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('Test accuracy') });
});
