import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { recordRun } from '../../../store/index.ts';
import { openStore } from '../../../store/open-store.ts';
import { openWorkerMetrics, type WorkerMetrics } from '../../../worker/metrics/index.ts';
import { factsOfRuns } from '../../../worker/metrics/pipelines-of-runs.ts';

/** The endpoint and all that it shows, without a worker: what it says of what cannot be asked. */
const folder = await mkdtemp(join(tmpdir(), 'contrail-metrics-'));
const store = openStore(folder);
const open: WorkerMetrics[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function metrics() {
  const endpoint = { host: '127.0.0.1', port: 0, token: null, allowedHosts: [] };
  const queues = [
    { queue: 'cpu', slots: 2 },
    { queue: 'cpu', slots: 1 },
    { queue: 'gpu', slots: 1 },
  ];
  const opened = await openWorkerMetrics(endpoint, { store, version: '9.8.7', queues });
  open.push(opened);
  const read = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${opened.port}${path}`);
    return `${answer.status} ${await answer.text()}`;
  };
  return { opened, read };
}

describe('the metrics of a worker', () => {
  it('answer before it has begun, and say that it takes no work yet', async () => {
    const { read } = await metrics();
    expect(await read('/readyz')).toBe('503 {"ready":false,"reason":"The worker is starting."}');
    const text = await read('/metrics');
    for (const line of [
      'contrail_worker_info{version="9.8.7"} 1',
      'contrail_worker_slots{queue="cpu"} 3',
      'contrail_worker_slots{queue="gpu"} 1',
      'contrail_metrics_errors_total{source="temporal-sdk"} 0',
    ])
      expect(text.split('\n')).toContain(line);
  });

  it('leave out what a server that does not answer would say, and count that', async () => {
    const { opened, read } = await metrics();
    // Nobody is there, and a call that waits for its next try would outlive the connection.
    const connection = Connection.lazy({ address: '127.0.0.1:1', interceptors: [] });
    let isReady = true;
    opened.begin(new Client({ connection }), 'default', () => isReady);
    expect(await read('/readyz')).toMatch(/^200/);
    isReady = false;
    expect(await read('/readyz')).toBe('503 {"ready":false,"reason":"The worker takes no work."}');
    let text = '';
    while (!/contrail_metrics_errors_total\{source="server"\} [1-9]/.test(text)) {
      await sleep(100);
      text = await read('/metrics');
    }
    expect(text).toContain('\ncontrail_temporal_up 0\n');
    expect(text).not.toMatch(/^contrail_(runs|queue_waiting_steps|queue_pollers|schedule_skipped_firings_total)[{ ]/m);
    // No runtime of Temporal's was made here, so its own server is not there either.
    expect(text).toMatch(/contrail_metrics_errors_total\{source="temporal-sdk"\} [1-9]/);
    await opened.close();
    open.length = 0;
    await connection.close();
  });
});

describe('the pipeline of a run', () => {
  it('is asked for once, and is unknown as long as the store does not say', async () => {
    let problems = 0;
    const { pipelineOf, queuesOf } = factsOfRuns(store, () => {
      problems++;
    });
    expect(await pipelineOf('early')).toBe('unknown');
    expect(await queuesOf('early')).toEqual([]);
    expect(problems).toBe(2);
    await recordRun(store, { run: 'early', pipeline: 'shirts', params: {}, createdAt: new Date().toISOString() });
    expect(await pipelineOf('early')).toBe('shirts');
    await rm(join(folder, 'runs'), { recursive: true });
    expect(await pipelineOf('early')).toBe('shirts');
    expect(problems).toBe(2);
  });
});
