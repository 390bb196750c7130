import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startWorkerProcess } from '../../cli/dev-server.ts';
import { queryStatus } from '../../cli/runs.ts';
import { openHome } from '../../home/home.ts';
import { openCheckpoints, readRunLog } from '../../store/index.ts';
import { runCommand, runForJson } from './command.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

/** What an operator does in a day, with the command, on the real server: look ahead, watch, compare, promote, go back. */
let environment: TestEnvironment;
let file: string;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const contrail = (...args: string[]) => runForJson(environment.home, args);
const command = (...args: string[]) => runCommand(environment.home, args);

const promoting = (epochs: number, learningRate = 0.05) =>
  `${smallPipeline({ epochs, learningRate })}  promote: { uses: promote, needs: [evaluate], with: { model: shirts, margin: 0.01 } }\n`;
const withParams = promoting(2)
  .replace('name: small', 'name: small\nparams: { epochs: 2, rate: 0.05 }')
  .replace('epochs: 2\n', 'epochs: "${params.epochs}"\n')
  .replace('learningRate: 0.05 }', 'learningRate: "${params.rate}" }');

beforeAll(async () => {
  environment = await startTestEnvironment();
  file = join(environment.home.folder, 'small.yaml');
  await writeFile(file, withParams);
}, 60_000);
afterAll(() => environment.stop(), 60_000);

const outlook = async (...args: string[]) =>
  z
    .object({
      steps: z.array(
        z.object({ step: z.string(), decision: z.string(), reason: z.string(), seconds: z.number().nullable() }),
      ),
      seconds: z.number(),
      unknown: z.array(z.string()),
    })
    .parse(await contrail('plan', file, ...args));

describe('contrail plan', () => {
  it('knows nothing of a pipeline that never ran', { timeout: 300_000 }, async () => {
    const { steps, seconds, unknown } = await outlook();
    expect(steps.map(({ step, decision, reason }) => [step, decision, reason])).toEqual([
      ['data', 'run', 'nothing like it was done before'],
      ['pretrain', 'run', 'after data'],
      ['probe', 'run', expect.stringContaining('after')],
      ['evaluate', 'run', expect.stringContaining('after')],
      ['promote', 'run', 'after evaluate'],
    ]);
    expect(seconds).toBe(0);
    expect(unknown).toHaveLength(5);
  });

  it('after a run: says what is reused, what differs, and how long it takes', { timeout: 300_000 }, async () => {
    await contrail('run', file, '--id', 'first', '--detach');
    await environment.result('first');
    const again = await outlook('--resume', 'first');
    expect(again.steps.map(({ decision }) => decision)).toEqual(['reuse', 'reuse', 'reuse', 'reuse', 'reuse']);
    const changed = await outlook('--resume', 'first', '--set', 'rate=0.01');
    expect(changed.steps[0]).toMatchObject({ decision: 'reuse', reason: 'done in this run' });
    expect(changed.steps[1]).toMatchObject({
      step: 'pretrain',
      decision: 'refused',
      reason: 'optimizer.learningRate: 0.05 → 0.01',
    });
    const cached = await outlook();
    expect(cached.steps.map(({ decision, reason }) => [decision, reason])).toEqual([
      ...Array.from({ length: 4 }, () => ['reuse', 'from first']),
      ['run', 'done in every run, and never taken from an earlier one'],
    ]);
    const fresh = await outlook('--set', 'epochs=20', '--set', 'rate=0.02');
    expect(fresh.unknown).toEqual([]);
    const usual = await outlook('--set', 'rate=0.02');
    expect(usual.steps[1]?.reason).toBe('with.optimizer.learningRate: 0.05 → 0.02 (against first)');
    const pretrain = (of: typeof fresh) => of.steps[1]?.seconds ?? 0;
    expect(pretrain(usual)).toBeGreaterThan(0);
    expect(pretrain(fresh)).toBeGreaterThan(2 * pretrain(usual));
  });

  it('says at which epoch a training would go on', { timeout: 300_000 }, async () => {
    await contrail('run', file, '--id', 'stopped', '--detach', '--set', 'epochs=60');
    const checkpoints = openCheckpoints(environment.store, { run: 'stopped', step: 'pretrain' });
    while (!(await checkpoints.list()).some(({ manifest }) => manifest.step === 0)) await sleep(100);
    await command('cancel', 'stopped', '--wait');
    const { newest } = await checkpoints.newestValid({ wholeEpochs: true });
    const { steps } = await outlook('--resume', 'stopped', '--set', 'epochs=60');
    expect(steps[1]).toMatchObject({
      decision: 'continue',
      reason: `at epoch ${(newest?.manifest.epoch ?? 0) + 1} of 60`,
    });
    expect(steps[2]).toMatchObject({ decision: 'run', reason: expect.stringContaining('after') });
  });
});

describe('contrail diff', () => {
  it('shows params, steps, artifacts and measures of two runs', { timeout: 300_000 }, async () => {
    await contrail('run', file, '--id', 'second', '--detach', '--set', 'rate=0.01');
    await environment.result('second');
    const diff = z
      .object({
        params: z.array(z.string()),
        source: z.array(z.string()),
        environment: z.array(z.string()),
        steps: z.array(z.string()),
        artifacts: z.array(z.string()),
        metrics: z.array(z.object({ name: z.string(), before: z.number().nullable(), after: z.number().nullable() })),
      })
      .parse(await contrail('diff', 'first', 'second'));
    expect(diff).toMatchObject({
      params: ['rate: 0.05 → 0.01'],
      source: [],
      environment: [],
      steps: ['pretrain.with.optimizer.learningRate: 0.05 → 0.01'],
    });
    expect(diff.artifacts.some((line) => line.startsWith('pretrain.encoder: '))).toBe(true);
    expect(diff.artifacts.some((line) => line.startsWith('data.'))).toBe(false);
    const loss = diff.metrics.find(({ name }) => name === 'pretrain.loss');
    expect(loss?.before).not.toBe(loss?.after);
  });
});

describe('contrail list', () => {
  const runs = async (...args: string[]) =>
    z
      .array(z.object({ run: z.string() }))
      .parse(await contrail('list', ...args))
      .map(({ run }) => run);

  it('filters by state, pipeline, time, number and a query', { timeout: 300_000 }, async () => {
    expect(await runs()).toEqual(['second', 'stopped', 'first']);
    expect(await runs('--state', 'completed')).toEqual(['second', 'first']);
    expect(await runs('--state', 'cancelled')).toEqual(['stopped']);
    expect(await runs('--pipeline', 'small', '--limit', '1')).toEqual(['second']);
    expect(await runs('--pipeline', "other' OR '1'='1")).toEqual([]);
    expect(await runs('--since', '1d')).toHaveLength(3);
    expect(await runs('--since', '2100-01-01')).toEqual([]);
    expect(await runs('--query', "WorkflowId = 'first'")).toEqual(['first']);
  });

  it('says what is wrong with a query', { timeout: 300_000 }, async () => {
    expect(await command('list', '--query', 'Colour = 3')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Temporal does not understand the query'),
    });
    expect(await command('list', '--since', 'once')).toMatchObject({ code: 2 });
  });
});

describe('models', () => {
  const versions = async () =>
    z
      .object({ current: z.int(), versions: z.array(z.object({ version: z.int(), run: z.string() })) })
      .parse(await contrail('models', 'show', 'shirts'));

  it('the first run was promoted, the second compared on the same test set', { timeout: 300_000 }, async () => {
    const steps = (await queryStatus(environment.client(), 'first'))?.steps;
    expect(steps?.at(-1)?.result).toMatchObject({ promoted: true, version: 1, reason: 'the first model of this name' });
    const top1 = async (run: string) =>
      (await queryStatus(environment.client(), run))?.steps.find(({ id }) => id === 'evaluate')?.result?.top1;
    const second = (await queryStatus(environment.client(), 'second'))?.steps.at(-1)?.result;
    expect(second).toMatchObject({ before: await top1('first'), after: await top1('second') });
    expect(second?.promoted).toBe(Number(second?.after) >= Number(second?.before) + 0.01);
  });

  it('a person can promote a run all the same, and go back', { timeout: 300_000 }, async () => {
    const { current } = await versions();
    const again = await command('models', 'promote', 'first', '--model', 'shirts', '--margin', '1');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('--force promotes all the same') });
    await contrail('models', 'promote', 'first', '--model', 'shirts', '--force');
    expect(await versions()).toMatchObject({ current: current + 1 });
    await contrail('models', 'promote', 'second', '--model', 'shirts', '--force');
    await contrail('models', 'rollback', 'shirts');
    const { versions: all } = await versions();
    expect(all.at(-1)?.run).toBe('first');
    expect(JSON.parse(await readFile(environment.store.locate('models/shirts/current.json'), 'utf8'))).toMatchObject({
      run: 'first',
    });
  });

  it('the current one is exported by its name', { timeout: 300_000 }, async () => {
    const to = join(environment.home.folder, 'shirts');
    await contrail('export', '--model', 'shirts', '--to', to);
    expect(await readFile(join(to, 'README.md'), 'utf8')).toContain('# Encoder of first');
    expect(await command('export', '--to', join(to, 'x'))).toMatchObject({ code: 2 });
    expect(await command('export', '--model', 'coats', '--to', join(to, 'x'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no model coats. There is: shirts.'),
    });
  });

  it('a new test set: the current model is measured again on it', { timeout: 300_000 }, async () => {
    const other = withParams.replace('images: 640', 'images: 720');
    await writeFile(join(environment.home.folder, 'other.yaml'), other);
    await contrail('run', join(environment.home.folder, 'other.yaml'), '--id', 'third', '--detach');
    const { promote } = await environment.result('third');
    expect(promote?.before).toEqual(expect.any(Number));
    expect(String(promote?.reason)).toMatch(/^top1 [\d.]+, and version \d+ has [\d.]+/);
  });
});

describe('a second worker', () => {
  it('with a home of its own and the same store takes the steps of its queue', { timeout: 300_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'contrail-second-'));
    const other = openHome({ CONTRAIL_HOME: folder });
    process.env.CONTRAIL_STORE = environment.store.url;
    const args = ['--queue', 'elsewhere', '--slots', '1'];
    const worker = startWorkerProcess(other, environment.client().address, args);
    delete process.env.CONTRAIL_STORE;
    try {
      await environment.start(
        'spread',
        smallPipeline({ epochs: 2, seed: 11 }).replace('uses: pretrain', 'uses: pretrain\n    queue: elsewhere'),
      );
      await environment.result('spread');
      const lines = (await readRunLog(environment.store, 'spread')).lines.map(({ step }) => step);
      expect(new Set(lines)).toEqual(new Set(['data', 'pretrain', 'probe', 'evaluate']));
      const writers = (await environment.store.list('runs/spread/logs')).filter(({ path }) =>
        path.includes(`-${worker.pid}-`),
      );
      expect(writers).toHaveLength(1);
    } finally {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('contrail logs', () => {
  it('shows what was said of a run, by whichever worker', { timeout: 300_000 }, async () => {
    const { stdout } = await command('logs', 'spread');
    expect(stdout).toMatch(/data +reused: the result of first\/data/);
    expect(stdout).toMatch(/pretrain +epoch-2: done in [\d.]+ s, loss [\d.]+, \d+ images\/s/);
    const { stdout: one } = await command('logs', 'spread', 'probe');
    expect(one).toContain('linear-probe: done');
    expect(one).not.toContain('pretrain');
    expect(await command('logs', 'spread', 'nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no step nothing. There is: data, pretrain, probe, evaluate'),
    });
  });

  it('follows a run to its end, and names the attempt that was lost with its worker', {
    timeout: 300_000,
  }, async () => {
    await environment.start('lost', smallPipeline({ epochs: 4, seed: 12 }));
    const following = command('logs', 'lost', '--follow');
    const checkpoints = openCheckpoints(environment.store, { run: 'lost', step: 'pretrain' });
    while ((await checkpoints.list()).length === 0) await sleep(50);
    await environment.killWorker();
    await environment.result('lost');
    const { stdout, code } = await following;
    expect(code).toBe(0);
    expect(stdout).toMatch(/epoch-\d+: attempt 2 began; the one before was lost with its worker/);
    expect(stdout).toMatch(/evaluate +evaluate: done/);
  });
});
