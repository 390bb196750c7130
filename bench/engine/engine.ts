import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { connect, ownServer } from '../../cli/connection.ts';
import { freePorts, startDevServer, stopDevServer } from '../../cli/dev-server.ts';
import { startRun } from '../../cli/runs.ts';
import { openHome } from '../../home/home.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openStore } from '../../store/index.ts';
import { startWorker } from '../../worker/worker.ts';
import { median } from '../statistics.ts';
import { watchEventLoop } from './event-loop.ts';
import { readTimes } from './history.ts';

const width = 10;
const slots = 10;
/** Of more, Dagster would take longer than all else here. */
const peerSteps = 100;

/**
 * Layers of the smallest real step (`notify`, to a server on loopback; its result recorded durably in the store), each step
 * needing all of the layer before it: ours on Temporal's development server, and the same in Dagster.
 *
 * @param python the interpreter of `dagsterEnvironment`
 */
export async function benchEngine(python: string): Promise<object[]> {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-bench-'));
  const home = openHome({ CONTRAIL_HOME: folder });
  const webhook = await listen();
  const started = await startDevServer(home, freePorts);
  const server = ownServer(started);
  process.env.BENCH_WEBHOOK = webhook.url;
  const worker = await startWorker(home, { queues: [{ queue: 'cpu', slots }], log: () => {}, server });
  const client = await connect(home, server);
  try {
    const rows: object[] = [];
    for (const steps of [100, 1000]) {
      const run = `layers-${steps}`;
      const plan = parsePipeline({ text: layers(steps), file: `${run}.yaml` });
      const { value: execution, heldUp } = await watchEventLoop(async () => {
        const started = await startRun(client, openStore(home.storeUrl), run, plan, false);
        await client.client.workflow.getHandle(run).result();
        return started;
      });
      const times = await readTimes(client.client, run, execution, (id) => id.startsWith('s-'));
      const dagster = steps <= peerSteps ? await runDagster(python, folder, steps, webhook.url) : null;
      const ours = steps / (times.total / 1000);
      rows.push({
        steps,
        'ours, steps/s': ours,
        'dagster, steps/s': dagster ? steps / dagster.seconds : null,
        ratio: dagster ? ours / (steps / dagster.seconds) : null,
        'dispatch, ms': median(times.dispatch),
        'workflow task, ms': median(times.workflowTasks.map(({ ms }) => ms)),
        'workflow tasks': times.workflowTasks.length,
        events: times.events,
        'event loop held up, p99 ms': heldUp.p99,
        'longest, ms': heldUp.max,
        dagster: dagster?.version ?? null,
      });
    }
    return rows;
  } finally {
    await client.close();
    worker.stop();
    await worker.stopped;
    await stopDevServer(home, started);
    webhook.server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function layers(steps: number): string {
  const step = (index: number) => {
    const start = index - (index % width) - width;
    const needs = start < 0 ? [] : Array.from({ length: width }, (_, each) => `s-${start + each}`);
    return `  s-${index}: { uses: notify, needs: [${needs.join(', ')}], with: { urlFrom: BENCH_WEBHOOK, message: done } }`;
  };
  return `name: layers\nsteps:\n${Array.from({ length: steps }, (_, index) => step(index)).join('\n')}\n`;
}

const dagsterAnswer = z.object({ success: z.literal(true), seconds: z.number(), version: z.string() });

async function runDagster(python: string, folder: string, steps: number, url: string) {
  const dagsterHome = join(folder, `dagster-${steps}`);
  await mkdir(dagsterHome);
  const program = fileURLToPath(new URL('dag.py', import.meta.url));
  const { stdout } = await promisify(execFile)(python, [program, String(steps), String(width), url], {
    env: { ...process.env, DAGSTER_HOME: dagsterHome, DAGSTER_DISABLE_TELEMETRY: 'yes' },
    maxBuffer: 256 * 1024 * 1024,
  });
  return dagsterAnswer.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}

function listen(): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/` });
    });
  });
}
