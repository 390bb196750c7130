import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { connect, ownServer } from '../cli/connection.ts';
import { addressOf } from '../cli/dev-record.ts';
import { freePorts, startDevServer, startWorkerProcess, stopDevServer } from '../cli/dev-server.ts';
import { freePort } from '../cli/ports.ts';
import { superviseChild } from '../cli/processes.ts';
import { startRun } from '../cli/runs.ts';
import { childEnvironment } from '../contracts/child-environment.ts';
import { ContrailError } from '../contracts/errors.ts';
import { openHome } from '../home/home.ts';
import { parsePipeline } from '../pipelines/language/index.ts';
import { openStore } from '../store/index.ts';
import { withFolder } from './folder.ts';

const configFile = fileURLToPath(new URL('../deploy/prometheus/prometheus.yaml', import.meta.url));
const rulesFile = fileURLToPath(new URL('../deploy/prometheus/alerts.yaml', import.meta.url));

/** The longest that an alert is waited for: those here wait for two minutes themselves. */
const patienceMs = 8 * 60_000;
const pollMs = 500;

/**
 * Kills the worker of a training that goes on, beside a worker of another queue, and starts it again; then has a training
 * diverge. A real Prometheus reads both workers, with the rules and the intervals of `deploy/`: which alerts fire, when they
 * do, and when they are over.
 */
export const benchAlerts = (): Promise<object[]> =>
  withFolder(async (folder) => {
    const ports = [await freePort(), await freePort()] as const;
    // First, because it may not be here: nothing else runs by then.
    const prometheus = await startPrometheus(folder, ports);
    const home = openHome({ CONTRAIL_HOME: join(folder, 'home') });
    const store = openStore(home.storeUrl);
    const server = await startDevServer(home, freePorts);
    const startWorker = (queue: string, port: number) =>
      startWorkerProcess(home, addressOf(server), ['--queue', queue, '--metrics-port', String(port)]);
    let trains = startWorker('gpu', ports[0]);
    const prepares = startWorker('cpu', ports[1]);
    const client = await connect(home, ownServer(server));
    const begin = (run: string, text: string) =>
      startRun(client, store, run, parsePipeline({ text, file: `${run}.yaml` }), false);
    const rows: object[] = [];
    /** @param remedy null where the alerts are over by themselves, which is not waited for */
    const measure = async (what: string, alerts: readonly string[], remedy: (() => void) | null) => {
      const since = performance.now();
      const fired = new Map<string, number>();
      await until(
        async () => {
          for (const alert of await prometheus.firing()) if (!fired.has(alert)) fired.set(alert, secondsSince(since));
          return alerts.every((alert) => fired.has(alert));
        },
        `${alerts.join(', ')} after ${what}`,
      );
      const remedied = performance.now();
      const over = new Map<string, number>();
      remedy?.();
      if (remedy)
        await until(
          async () => {
            const firing = await prometheus.firing();
            for (const alert of alerts)
              if (!firing.includes(alert) && !over.has(alert)) over.set(alert, secondsSince(remedied));
            return alerts.every((alert) => over.has(alert));
          },
          `the end of ${alerts.join(', ')}`,
        );
      for (const [alert, after] of fired)
        rows.push({
          ...{ what, alert, 'fires after s': after, 'over after s': over.get(alert) ?? null },
          'was meant to': alerts.includes(alert),
        });
    };
    try {
      await begin(
        'goes-on',
        training({ name: 'goes-on', epochs: 100_000, optimizer: '{ name: sgd, learningRate: 0.05 }' }),
      );
      await until(() => prometheus.has('contrail_training_checkpoint_bytes{run="goes-on"}'), 'a first checkpoint');
      if ((await prometheus.firing()).length > 0)
        throw new Error(`${await prometheus.firing()} fires before anything died`);
      trains.kill('SIGKILL');
      await measure('the worker of a training is killed', ['ContrailWorkerGone', 'ContrailQueueWithoutWorker'], () => {
        trains = startWorker('gpu', ports[0]);
      });
      await until(() => prometheus.has('contrail_lease_takeovers_total{pipeline="goes-on"} == 1'), 'the takeover');
      await until(() => prometheus.has('contrail_training_epoch{run="goes-on"}'), 'the training that goes on');
      await client.client.workflow.getHandle('goes-on').cancel();
      await begin('diverges', training({ name: 'diverges', epochs: 100, optimizer: diverging }));
      await measure('a training diverges', ['ContrailLossNotFinite', 'ContrailStepFailed'], null);
      return rows;
    } finally {
      prometheus.process.kill('SIGTERM');
      for (const worker of [trains, prepares]) {
        worker.kill('SIGTERM');
        await superviseChild(worker).ended;
      }
      await client.close();
      await stopDevServer(home, server);
    }
  });

/** Each step multiplies the weights by -99. */
const diverging = '{ name: sgd, learningRate: 100, momentum: 0, weightDecay: 1 }';

const training = (of: { readonly name: string; readonly epochs: number; readonly optimizer: string }) => `
name: ${of.name}
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 4, images: 640 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }
      projection: { hidden: 32, output: 16 }
      optimizer: ${of.optimizer}
      batch: 32
      epochs: ${of.epochs}
`;

interface Prometheus {
  readonly process: ChildProcess;
  /** The alerts that fire now. */
  readonly firing: () => Promise<readonly string[]>;
  /** Whether a query has an answer. */
  readonly has: (query: string) => Promise<boolean>;
}

const alertsSchema = z.object({
  data: z.object({
    alerts: z.array(z.object({ state: z.string(), labels: z.object({ alertname: z.string() }) })),
  }),
});
const querySchema = z.object({ data: z.object({ result: z.array(z.unknown()) }) });

/** @throws ContrailError SetupFailed where there is no Prometheus */
async function startPrometheus(folder: string, ports: readonly number[]): Promise<Prometheus> {
  const program = process.env.CONTRAIL_PROMETHEUS ?? 'prometheus';
  const config = z
    .looseObject({ scrape_configs: z.tuple([z.looseObject({})]) })
    .parse(parse(await readFile(configFile, 'utf8')));
  const [job] = config.scrape_configs;
  const targets = ports.map((port) => `127.0.0.1:${port}`);
  const own = join(folder, 'prometheus.yaml');
  const scrape_configs = [{ ...job, static_configs: [{ targets }] }];
  await writeFile(own, stringify({ ...config, rule_files: [rulesFile], scrape_configs }));
  const port = await freePort();
  const child = spawn(
    program,
    [
      `--config.file=${own}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'], env: childEnvironment(process.env, 'server') },
  );
  const started = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('spawn', () => resolve(true));
  });
  if (!started)
    throw new ContrailError(
      'SetupFailed',
      `There is no ${program} here. Install Prometheus (Debian's package prometheus), or set CONTRAIL_PROMETHEUS to the program.`,
    );
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  await until(
    () =>
      ask('/api/v1/status/runtimeinfo').then(
        () => true,
        () => false,
      ),
    'Prometheus',
  );
  return {
    process: child,
    firing: async () => {
      const { alerts } = alertsSchema.parse(await ask('/api/v1/alerts')).data;
      const firing = alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
      return [...new Set(firing)];
    },
    has: async (query) =>
      querySchema.parse(await ask(`/api/v1/query?query=${encodeURIComponent(query)}`)).data.result.length > 0,
  };
}

/** @throws Error where it is not so in time */
async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  process.stderr.write(`alerts: waiting for ${what}\n`);
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(pollMs)) if (await isSo()) return;
  throw new Error(`waited ${patienceMs / 60_000} minutes for ${what}`);
}

const secondsSince = (since: number) => Math.round((performance.now() - since) / 1000);
