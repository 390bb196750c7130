import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { queryStatus } from '../../cli/runs.ts';
import { bestLossAttribute, epochAttribute, pipelineAttribute } from '../../workflows/search-attributes.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';
import { recordHistory } from './record-history.ts';

/** Pipelines on the real server, with the real worker and trainer. */
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment();
}, 60_000);
afterAll(() => environment.stop(), 60_000);

const failureOf = async (run: string): Promise<string> => {
  try {
    await environment.result(run);
    return 'it did not fail';
  } catch (error) {
    return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  }
};

const statesOf = async (run: string) =>
  Object.fromEntries((await queryStatus(environment.client(), run))?.steps.map(({ id, state }) => [id, state]) ?? []);

const record = (workflow: string, name: string) => recordHistory(environment, workflow, name);

describe('a run', () => {
  it('completes, and tells what it did', { timeout: 120_000 }, async () => {
    await environment.start('whole', smallPipeline({ epochs: 3 }));
    const result = await environment.result('whole');
    expect(Object.keys(result)).toEqual(['data', 'pretrain', 'probe', 'evaluate']);
    expect(await statesOf('whole')).toEqual({ data: 'done', pretrain: 'done', probe: 'done', evaluate: 'done' });
    const pretrain = (await queryStatus(environment.client(), 'whole'))?.steps[1];
    expect(pretrain).toMatchObject({ epoch: 3, epochs: 3, attempts: 1, reused: false });
    const run = await environment.client().client.workflow.getHandle('whole').describe();
    expect(run.typedSearchAttributes.get(pipelineAttribute)).toBe('small');
    const training = await environment.client().client.workflow.getHandle('whole/pretrain').describe();
    expect(training.typedSearchAttributes.get(epochAttribute)).toBe(3);
    expect(training.typedSearchAttributes.get(bestLossAttribute)).toBe(pretrain?.result?.bestLoss);
    await record('whole', 'pipeline-complete');
    await record('whole/pretrain', 'training-complete');
  });

  it('is exported as a SavedModel with a model card', { timeout: 60_000 }, async () => {
    const to = join(environment.home.folder, 'model');
    const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [contrail, 'export', 'whole', '--to', to, '--json'],
      { env: { ...process.env, CONTRAIL_HOME: environment.home.folder } },
    );
    const { files, difference } = z
      .object({ files: z.array(z.string()), difference: z.number() })
      .parse(JSON.parse(stdout));
    expect(difference).toBeLessThan(1e-4);
    for (const file of files) expect((await stat(join(to, file))).size).toBeGreaterThan(0);
    const card = await readFile(join(to, 'README.md'), 'utf8');
    expect(card).toContain('# Encoder of whole');
    expect(card).toMatch(/\| top1 \| [01]\.\d{4} \|/);
  });

  it('reports every failure at once; what does not depend on them is done', { timeout: 60_000 }, async () => {
    const missing = 'uses: prepare-data, with: { dataset: image-folder, path: /nowhere }';
    await environment.start(
      'failing',
      `
name: failing
steps:
  good: { uses: prepare-data, with: { dataset: generated } }
  bad: { ${missing} }
  worse: { ${missing} }
  pretrain: { uses: pretrain, needs: [bad] }
`,
    );
    const failure = await failureOf('failing');
    expect(failure).toMatch(/^bad: .*nowhere does not exist.*\n.*worse: .*nowhere does not exist/s);
    expect(await statesOf('failing')).toEqual({ good: 'done', bad: 'failed', worse: 'failed', pretrain: 'cancelled' });
    await record('failing', 'pipeline-failed');
  });

  it('is resumed under its own id: finished steps are reused, the rest is done', { timeout: 60_000 }, async () => {
    const text = (source: string) => `
name: mended
steps:
  good: { uses: prepare-data, with: { dataset: generated } }
  bad: { uses: prepare-data, with: { ${source} } }
`;
    await environment.start('mended', text('dataset: image-folder, path: /nowhere'));
    await failureOf('mended');
    await environment.start('mended', text('dataset: generated, seed: 1'), true);
    await environment.result('mended');
    const steps = (await queryStatus(environment.client(), 'mended'))?.steps;
    expect(steps?.map(({ id, state, reused, attempts }) => ({ id, state, reused, attempts }))).toEqual([
      { id: 'good', state: 'done', reused: true, attempts: 0 },
      { id: 'bad', state: 'done', reused: false, attempts: 1 },
    ]);
    await record('mended', 'pipeline-resumed');
  });

  it('refuses to go on with another config, and shows the difference', { timeout: 60_000 }, async () => {
    await environment.start('changed', smallPipeline({ epochs: 50 }));
    while (((await queryStatus(environment.client(), 'changed'))?.steps[1]?.epoch ?? 0) < 1)
      await new Promise((resolve) => setTimeout(resolve, 200));
    await environment.client().client.workflow.getHandle('changed').cancel();
    await failureOf('changed');
    await record('changed', 'pipeline-cancelled');
    await environment.start('changed', smallPipeline({ epochs: 50, learningRate: 0.01 }), true);
    expect(await failureOf('changed')).toContain('optimizer.learningRate: 0.05 → 0.01');
  });
});
