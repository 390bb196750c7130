import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../cli/ports.ts';
import type { Definition } from '../../metrics/registry.ts';
import { workerMetrics } from '../../worker/metrics/definitions.ts';
import { foreignMetrics } from '../deploy/queries.ts';
import { hasPromtool, promtool } from '../promtool.ts';
import { runForJson } from './command.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

/** A real worker that trains, fails, waits and is killed, and what Prometheus reads of it meanwhile. */
let environment: TestEnvironment;
let url: string;
beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}/metrics`;
  environment = await startTestEnvironment(['--metrics-port', String(port)]);
}, 60_000);
afterAll(() => environment.stop(), 60_000);

/** What is read at one moment: by the name of the series, its labels sorted. */
class Scrape {
  readonly values: ReadonlyMap<string, number>;
  constructor(readonly text: string) {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.values = new Map(
      lines.map((line) => {
        const [, name = '', labels = '', value = ''] = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        return [
          `${name}{${labels
            .split(/,(?=\w+=)/)
            .sort()
            .join(',')}}`,
          Number(value),
        ];
      }),
    );
  }
  readonly of = (name: string, labels = ''): number | undefined => this.values.get(`${name}{${labels}}`);
  readonly has = (name: string): boolean => this.text.includes(`\n${name}{`) || this.text.includes(`\n${name} `);
}

const scrape = async () => new Scrape(await (await fetch(url)).text());

/** Reads again and again until it is as it should be; a worker that was killed answers once it is back. */
async function until(isSo: (read: Scrape) => boolean): Promise<Scrape> {
  for (;;) {
    const read = await scrape().catch(() => null);
    if (read && isSo(read)) return read;
    environment.requireWorker();
    await sleep(200);
  }
}

const waits = (name: string) => `
name: ${name}
steps:
  data: { uses: prepare-data, queue: nobody, with: { dataset: generated, generated: { classes: 4, images: 64 } } }
`;
const fails = `
name: fails
steps:
  data: { uses: prepare-data, with: { dataset: image-folder, path: /nothing/is/here } }
`;
const live = 'pipeline="small",run="one",step="pretrain"';
const small = 'pipeline="small",step="pretrain"';

describe('the metrics of a worker', () => {
  it('show a training while it goes on', async () => {
    // It goes on until it is stopped, however fast the machine is.
    await environment.start('one', smallPipeline({ epochs: 5000 }));
    const read = await until(
      (each) =>
        each.has('contrail_training_step_seconds') &&
        each.has('contrail_training_checkpoint_bytes') &&
        each.of('contrail_run_steps', 'pipeline="small",state="running",step="pretrain"') === 1,
    );
    expect(read.of('contrail_run_steps', 'pipeline="small",state="done",step="data"')).toBe(1);
    expect(read.of('contrail_run_steps', 'pipeline="small",state="waiting",step="evaluate"')).toBe(1);
    expect(read.of('contrail_training_epochs', live)).toBe(5000);
    expect(read.of('contrail_training_epoch', live)).toBeGreaterThanOrEqual(1);
    expect(read.of('contrail_training_loss', live)).toBeGreaterThan(0);
    for (const name of ['images_per_second', 'step_seconds', 'checkpoint_bytes'])
      expect(read.of(`contrail_training_${name}`, live), name).toBeGreaterThan(0);
    const age = Date.now() / 1000 - (read.of('contrail_training_last_checkpoint_timestamp_seconds', live) ?? 0);
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(180);
    // Between two epochs it is in nobody's work.
    expect(read.of('contrail_steps_in_work', `pipeline="small",queue="gpu",step="pretrain"`)).toBeLessThanOrEqual(1);
    expect(read.of('contrail_checkpoint_seconds_count', small)).toBeGreaterThanOrEqual(1);
    expect(read.of('contrail_lease_takeovers_total', small)).toBe(0);
    expect(read.of('contrail_worker_slots', 'queue="gpu"')).toBe(1);
  });

  it('show what waits in a queue that nobody serves, a firing that was passed over, and a step that failed', async () => {
    const file = join(environment.home.folder, 'waits.yaml');
    await writeFile(file, waits('waits'));
    const { home } = environment;
    await runForJson(home, ['schedule', 'create', file, '--every', '24h', '--overlap', 'skip']);
    await runForJson(home, ['schedule', 'trigger', 'waits']);
    await runForJson(home, ['schedule', 'trigger', 'waits']);
    await environment.start('fails', fails);
    await expect(environment.result('fails')).rejects.toThrow();
    const read = await until((each) => each.of('contrail_queue_waiting_steps', 'queue="nobody"') === 1);
    expect(read.of('contrail_runs', 'pipeline="waits",state="running"')).toBe(1);
    expect(read.of('contrail_queue_pollers', 'queue="nobody"')).toBe(0);
    expect(read.of('contrail_step_attempts_total', 'outcome="failed",pipeline="fails",step="data"')).toBe(1);
    expect(read.of('contrail_step_failures_total', 'code="InvalidDataset",pipeline="fails",step="data"')).toBe(1);
  });

  it('show, of the worker that goes on after a kill, what it took over', async () => {
    await environment.killTrainer('one');
    // In the middle of an epoch or between two: the next trainer takes the lease.
    await until((each) => (each.of('contrail_lease_takeovers_total', small) ?? 0) > 0);
    await environment.killWorker();
    const read = await until((each) => each.has('contrail_training_epoch_loss'));
    expect(read.of('contrail_step_retries_total', small)).toBeLessThanOrEqual(1);
    expect(read.of('contrail_lease_takeovers_total', small)).toBe(1);
    expect(read.of('contrail_epochs_total', small)).toBeGreaterThanOrEqual(1);
    expect(read.of('contrail_queue_wait_seconds_count', 'queue="gpu"')).toBeGreaterThanOrEqual(1);
    await until(
      (each) => each.of('contrail_schedule_skipped_firings_total', 'reason="overlap",schedule="waits"') === 1,
    );
  });

  it('leave nothing of a run that has ended but what is counted by step', async () => {
    await environment.client().client.workflow.getHandle('one').cancel();
    await expect(environment.result('one')).rejects.toThrow();
    await environment.start('two', smallPipeline({ epochs: 1 }));
    await environment.result('two');
    const read = await until(
      (each) => each.of('contrail_temporal_up') === 1 && !each.text.includes('contrail_run_steps{pipeline="small"'),
    );
    expect([...read.values.keys()].filter((name) => name.includes('run="two"'))).toEqual([]);
    expect(read.of('contrail_epochs_total', small)).toBeGreaterThanOrEqual(2);
    expect(read.of('contrail_steps_reused_total', 'pipeline="small",step="data"')).toBe(1);
    for (const source of ['store', 'gpu', 'temporal-sdk'])
      expect(read.of('contrail_metrics_errors_total', `source="${source}"`), source).toBe(0);
  });

  it('are all there, with those that the dashboard and the alerts read of others', async () => {
    const { text } = await scrape();
    const ours = Object.entries<Definition>(workerMetrics).flatMap(([name, { type, help }]) => [
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`,
    ]);
    const others = foreignMetrics.filter((each) => each !== 'up').map((name) => `\n${name}`);
    expect([...ours, ...others].filter((each) => !text.includes(each))).toEqual([]);
  });

  it.skipIf(!hasPromtool)('are as Prometheus wants them, by promtool', async () => {
    const { text } = await scrape();
    const ours = text.slice(text.indexOf('# HELP contrail_'), text.indexOf('# HELP temporal_'));
    expect(ours.length).toBeGreaterThan(1000);
    expect(await promtool(['check', 'metrics'], ours)).toBe('');
  });
});
