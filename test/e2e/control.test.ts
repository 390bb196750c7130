import { execFile } from 'node:child_process';
import { truncate } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryStatus } from '../../cli/runs.ts';
import { artifactRefSchema } from '../../contracts/artifacts.ts';
import { classifierFile } from '../../contracts/evaluation.ts';
import { artifactFolder, loadStepResult } from '../../store/index.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';
import { recordHistory } from './record-history.ts';

/** The examples of docs/running.md, with the real trainer, through the command. */
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment();
  await environment.start('reference', smallPipeline({ epochs: 6 }));
  await environment.result('reference');
}, 180_000);
afterAll(() => environment.stop(), 60_000);

const program = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const contrail = async (...args: string[]) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], {
    env: { ...process.env, CONTRAIL_HOME: environment.home.folder, NO_COLOR: '1' },
  });
  return stdout + stderr;
};
const stepOf = async (run: string, step: string) =>
  (await queryStatus(environment.client(), run))?.steps.find(({ id }) => id === step);

async function until(
  run: string,
  step: string,
  isSo: (status: NonNullable<Awaited<ReturnType<typeof stepOf>>>) => boolean,
) {
  for (;;) {
    const status = await stepOf(run, step);
    if (status && isSo(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('the cache', () => {
  it('gives a whole training to another run, with the report', { timeout: 120_000 }, async () => {
    await environment.start('cached', smallPipeline({ epochs: 6 }));
    await environment.result('cached');
    for (const id of ['data', 'pretrain', 'probe', 'evaluate'])
      expect(await stepOf('cached', id)).toMatchObject({
        state: 'done',
        attempts: 0,
        from: { run: 'reference', step: id },
      });
    expect(await environment.store.exists('runs/cached/report/evaluate.md')).toBe(true);
    await recordHistory(environment, 'cached', 'pipeline-from-cache');
    expect(await contrail('cache', 'ls')).toMatch(/pretrain +reference +pretrain/);
    expect(await contrail('cache', 'gc', '--dry-run')).toContain(
      'Would remove 0 results without artifacts and 0 artifacts',
    );
  });

  it('gives no result whose artifact is damaged', { timeout: 120_000 }, async () => {
    const stored = await loadStepResult(environment.store, { run: 'reference', step: 'probe' });
    const classifier = artifactRefSchema.parse(stored?.result.classifier);
    await truncate(environment.store.locate(`${artifactFolder(classifier)}/${classifierFile}`), 10);
    await environment.start('mended', smallPipeline({ epochs: 6 }));
    await environment.result('mended');
    expect(await stepOf('mended', 'pretrain')).toMatchObject({ from: { run: 'reference', step: 'pretrain' } });
    expect(await stepOf('mended', 'probe')).toMatchObject({ attempts: 1, reused: false });
    // The same content again: what follows from it need not be done again.
    expect(await stepOf('mended', 'evaluate')).toMatchObject({ from: { step: 'evaluate' } });
  });
});

describe('contrail pause and unpause', () => {
  it('stop a training at a checkpoint, without a trainer, and go on to the same bits', {
    timeout: 400_000,
  }, async () => {
    const text = smallPipeline({ epochs: 24 });
    await environment.start('straight', text);
    const straight = await environment.result('straight');
    await environment.start('paused', smallPipeline({ epochs: 24 }), false, { useCache: false });
    await until('paused', 'pretrain', ({ epoch }) => (epoch ?? 0) >= 1);
    expect(await contrail('pause', 'paused', '--reason', 'the GPU is needed')).toContain('starts nothing new');
    await until('paused', 'pretrain', ({ state }) => state === 'paused');
    expect(environment.trainerRuns('paused'), 'its trainer is gone').toBe(false);
    await expect(contrail('pause', 'paused')).rejects.toMatchObject({ code: 2 });
    await contrail('unpause', 'paused');
    const result = await environment.result('paused');
    expect(result.pretrain?.digest).toBe(straight.pretrain?.digest);
    await recordHistory(environment, 'paused', 'pipeline-paused');
    await recordHistory(environment, 'paused/pretrain', 'training-paused');
  });
});

describe('contrail terminate and retry', () => {
  it('end a run at once, and do a step of an ended run again', { timeout: 180_000 }, async () => {
    // So many that it has not ended before the command has started.
    await environment.start('ended', smallPipeline({ epochs: 16, seed: 4 }));
    await expect(contrail('terminate', 'ended')).rejects.toMatchObject({ code: 2 });
    await until('ended', 'pretrain', ({ epoch }) => (epoch ?? 0) >= 1);
    await contrail('terminate', 'ended', '--yes');
    await expect(environment.result('ended')).rejects.toThrow();
    await contrail('resume', 'ended', '--detach');
    const before = await environment.result('ended');
    expect(await stepOf('ended', 'data')).toMatchObject({ reused: true });
    await contrail('retry', 'ended', 'probe', '--detach');
    expect(await environment.result('ended')).toEqual(before);
    expect(await stepOf('ended', 'pretrain')).toMatchObject({ reused: true, attempts: 0 });
    expect(await stepOf('ended', 'probe')).toMatchObject({ reused: false, attempts: 1 });
    expect(await stepOf('ended', 'evaluate')).toMatchObject({ reused: false, attempts: 1 });
  });
});

describe('onExhausted: pause, onFailure, finally, choose', () => {
  it('work together in a pipeline file', { timeout: 120_000 }, async () => {
    await environment.start(
      'together',
      `
name: together
steps:
  data:
    uses: prepare-data
    matrix: { seed: [0, 1, 2] }
    maxParallel: 2
    with: { dataset: generated, seed: "\${matrix.seed}", generated: { classes: 2, images: 40 } }
  best:
    uses: choose
    with: { by: "\${steps.data.result.classes}", dataset: "\${steps.data.result.dataset}" }
  waits:
    uses: prepare-data
    needs: [best]
    with: { dataset: image-folder, path: /nowhere }
    retry: { onExhausted: pause }
onFailure:
  sad: { uses: choose, with: { by: [1] } }
finally:
  last: { uses: choose, with: { by: [2] } }
`,
    );
    const waits = await until('together', 'waits', ({ state }) => state === 'paused');
    expect(waits.error?.message).toContain('/nowhere does not exist');
    await expect(contrail('unpause', 'together', 'waits', '--set', 'dataset=none')).rejects.toMatchObject({ code: 2 });
    await contrail('unpause', 'together', 'waits', '--set', 'dataset=generated');
    const result = await environment.result('together');
    expect(result.best).toMatchObject({ index: 0, deviation: 0, count: 3, dataset: { kind: 'dataset' } });
    expect(await stepOf('together', 'sad')).toMatchObject({ state: 'skipped' });
    expect(await stepOf('together', 'last')).toMatchObject({ state: 'done' });
  });
});
