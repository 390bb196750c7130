import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attemptFailed } from '../../contracts/logs.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import {
  acquireLease,
  bytesOf,
  openCheckpoints,
  openRunLog,
  openStore,
  recordRun,
  saveEpochMetrics,
  savePlan,
  saveStepResult,
} from '../../store/index.ts';

const cli = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const home = await mkdtemp(join(tmpdir(), 'contrail-without-server-'));
afterAll(() => rm(home, { recursive: true, force: true }));
const store = openStore(join(home, 'store'));

const contrail = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    // Nothing listens on port 9 of this machine.
    const env = {
      ...process.env,
      CONTRAIL_HOME: home,
      TEMPORAL_ADDRESS: '127.0.0.1:9',
      NO_COLOR: '1',
      TZ: 'Asia/Kolkata',
    };
    execFile(process.execPath, [cli, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });

const source = {
  file: 'p.yaml',
  text: `name: p
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data], with: { epochs: 8 } }
  perhaps: { uses: linear-probe, needs: [pretrain], when: steps.pretrain.result.loss > 3 }
`,
};
const plan = parsePipeline(source);
const line = (epoch: number) => ({ epoch, loss: 4 - epoch, learningRate: 1, imagesPerSecond: 1, seconds: 1 });

beforeAll(async () => {
  for (const [run, createdAt] of [
    ['open', '2026-01-02T00:00:00.000Z'],
    ['complete', '2026-01-01T00:00:00.000Z'],
  ] as const) {
    await recordRun(store, { run, pipeline: 'p', params: {}, createdAt, source });
    await savePlan(store, run, plan);
    const finishedAt = '2026-01-02T00:00:10.000Z';
    await saveStepResult(store, { run, step: 'data' }, { fingerprint: '{}', result: {}, seconds: 3, finishedAt });
    await openRunLog(store, run, 'w').append([
      {
        time: finishedAt,
        level: 'error',
        run,
        step: 'pretrain',
        source: 'worker',
        message: `epoch-3: ${attemptFailed(1, 'DiskFull', 'no space', true)}`,
      },
    ]);
  }
  const key = { run: 'open', step: 'pretrain' };
  const lease = await acquireLease(store, key, 'me');
  for (const epoch of [1, 2]) {
    await saveEpochMetrics(store, key, line(epoch));
    const { epoch: _, ...metrics } = line(epoch);
    await openCheckpoints(store, key).commit(lease, {
      ...{ epoch, step: 0, config: {}, metrics, best: { epoch, loss: 1 }, metadata: {} },
      tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(epoch)) }],
    });
  }
  await store.write('runs/open/steps/pretrain/checkpoints/epoch-000003-t1/manifest.json', Buffer.from('{'));
  await saveStepResult(
    store,
    { run: 'complete', step: 'pretrain' },
    { fingerprint: '{}', result: { epochs: 8, loss: 1 } },
  );
});

describe('where no server answers, the store does', { timeout: 150_000 }, () => {
  const notice = /^The server does not answer; this is what the store knows\..*\n$/;

  it('list shows every run, and filters by what the store knows', async () => {
    const [all, completed, since, people] = await Promise.all([
      contrail('list', '--json'),
      contrail('list', '--json', '--state', 'completed'),
      contrail('list', '--json', '--since', '2026-01-02'),
      contrail('list'),
    ]);
    const open = { run: 'open', pipeline: 'p', state: 'unknown', epoch: 2, bestLoss: 2, steps: { done: 1, of: 3 } };
    // A step that a condition left out has no result, and none is missing.
    const complete = { run: 'complete', state: 'unknown', steps: { done: 2, of: 3 } };
    expect(JSON.parse(all.stdout)).toMatchObject([open, complete]);
    expect(JSON.parse(completed.stdout)).toMatchObject([complete]);
    expect(JSON.parse(since.stdout)).toMatchObject([{ ...open, started: '2026-01-02T00:00:00.000Z' }]);
    expect(people.stdout).toMatch(/open +p +unknown +1 of 3 steps done +2026-01-02 05:30:00 \+05:30/);
    for (const { code, stderr } of [all, completed, since, people]) {
      expect(code).toBe(0);
      expect(stderr).toMatch(notice);
    }
  });

  it('status shows results, checkpoints and the last error', async () => {
    const [found, people] = await Promise.all([contrail('status', 'open', '--json'), contrail('status', 'open')]);
    expect(found.stderr).toMatch(notice);
    expect(JSON.parse(found.stdout)).toMatchObject({
      run: 'open',
      execution: null,
      state: 'unknown',
      from: 'store',
      steps: [
        { id: 'data', state: 'done', seconds: 3, attempts: null },
        { id: 'pretrain', state: 'waiting', epoch: 2, epochs: 8, error: { type: 'DiskFull' } },
        { id: 'perhaps', state: 'waiting', epoch: null },
      ],
    });
    expect(people.stdout).toMatch(/pretrain +pretrain +waiting +2 of 8 +epoch-3: attempt 1 failed \(DiskFull\)/);
  });

  it('so do graph, logs, checkpoints, diff, plan and report', async () => {
    await writeFile(join(home, 'p.yaml'), source.text);
    const answers = await Promise.all([
      contrail('graph', 'open'),
      contrail('logs', 'open'),
      contrail('checkpoints', 'open'),
      contrail('diff', 'open', 'complete'),
      contrail('plan', join(home, 'p.yaml'), '--resume', 'open'),
      contrail('report', 'open'),
    ]);
    const [graph, logs, checkpoints, diff, outlook, report] = answers.map(({ stdout }) => stdout);
    for (const { code, stderr } of answers) expect(code, stderr).toBe(0);
    expect(graph).toMatch(/data .*done/);
    expect(logs).toMatch(/2026-01-02 05:30:10 \+05:30 pretrain .*no space/);
    expect(checkpoints).toMatch(/pretrain +2 /);
    expect(checkpoints).toMatch(/pretrain +3 +manifest\.json is cut short or not valid/);
    expect(diff).toContain('open → complete');
    expect(outlook).toMatch(/pretrain +pretrain +(goes on|refused)/);
    expect(report).toContain('report.html');
  });

  it('but not of a run that it does not have: the server may know it', async () => {
    const { code, stderr } = await contrail('status', 'none');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error No Temporal server answers at 127\.0\.0\.1:9/);
  });
});
