import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { childrenOf } from '../../bench/trainer-processes.ts';
import { type DevServer, recordedDevServer, recordedProcesses } from '../../cli/dev-record.ts';
import { isAlive, killTree } from '../../cli/processes.ts';
import { type Home, openHome } from '../../home/home.ts';
import { runCommand } from '../e2e/command.ts';

const program = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'contrail-dev-'));
const started: ChildProcess[] = [];
afterAll(async () => {
  for (const { pid = 0 } of started) if (isAlive(pid)) killTree(pid);
  await rm(folder, { recursive: true, force: true });
});

interface Dev {
  readonly process: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

/** `contrail dev` of a home, once it serves. */
async function startDev(home: Home, args: readonly string[] = ['--port', '0', '--ui-port', '0']): Promise<Dev> {
  const env = { ...process.env, CONTRAIL_HOME: home.folder, TEMPORAL_ADDRESS: undefined, NO_COLOR: '1' };
  const child = spawn(process.execPath, [program, 'dev', ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  let text = '';
  child.stderr?.on('data', (data) => {
    text += String(data);
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  while (!text.includes('Ctrl-C stops.') && child.exitCode === null) await sleep(50);
  return { process: child, said: () => text, ended };
}

const processesOf = ({ server, worker }: DevServer) => [server, worker];
const serving = (home: Home): DevServer => {
  const dev = recordedDevServer(home);
  if (!dev) throw new Error(`nothing serves ${home.folder}`);
  return dev;
};

it('all is known of server and worker when `contrail dev` says that it answers, and a second one is told of the first', async () => {
  const home = openHome({ CONTRAIL_HOME: join(folder, 'twice') });
  const dev = await startDev(home);
  const first = serving(home);
  expect(processesOf(first).map(isAlive)).toEqual([true, true]);
  expect(openToOthers(home.folder)).toEqual([]);
  // A worker that is started again takes the sources as they are then, whatever `contrail dev` itself began with.
  expect(readFileSync(`/proc/${first.worker}/environ`, 'utf8')).not.toContain('CONTRAIL_COMPILATION');
  const again = await runCommand(home, ['dev'], { TEMPORAL_ADDRESS: undefined });
  expect(again.code).toBe(0);
  expect(again.stderr).toContain(
    `run already (processes ${first.server} and ${first.worker}); \`kill ${dev.process.pid}\` stops them.`,
  );
  process.kill(first.server, 'SIGSTOP');
  const silent = await runCommand(home, ['dev'], { TEMPORAL_ADDRESS: undefined });
  process.kill(first.server, 'SIGCONT');
  expect(silent.code).toBe(1);
  expect(silent.stderr).toContain(`lives (process ${first.server}, 127.0.0.1:${first.port}) but does not answer.`);
  expect(serving(home)).toMatchObject({ server: first.server, port: first.port, keeper: dev.process.pid });

  dev.process.stderr?.destroy();
  dev.process.kill('SIGHUP');
  expect(await dev.ended).toBe(0);
  expect(processesOf(first).some(isAlive)).toBe(false);
  expect(existsSync(home.devFile)).toBe(false);
});

it('the worker of `contrail dev` answers with metrics where it is told to', async () => {
  const home = openHome({ CONTRAIL_HOME: join(folder, 'measured') });
  const dev = await startDev(home, ['--port', '0', '--ui-port', '0', '--metrics-port', '0']);
  const [, url = 'none'] = /Metrics for Prometheus are at (\S+)/.exec(dev.said()) ?? [];
  const read = async (path: string) =>
    fetch(new URL(path, url)).then(
      async (answer) => `${answer.status} ${await answer.text()}`,
      () => 'nothing yet',
    );
  while (!(await read('/readyz')).startsWith('200')) await sleep(100);
  expect(await read('/metrics')).toContain('contrail_worker_slots{queue="gpu"} 1');
  const again = await runCommand(home, ['dev', '--metrics-port', '0'], { TEMPORAL_ADDRESS: undefined });
  expect(again.stderr).toContain('--metrics-port changes nothing: the worker runs already, as it was started.');
  dev.process.kill('SIGTERM');
  expect(await dev.ended).toBe(0);
  expect(await read('/metrics')).toBe('nothing yet');
});

it('what a killed `contrail dev` left is taken over by the next one, which stops it', async () => {
  const home = openHome({ CONTRAIL_HOME: join(folder, 'left') });
  const killed = await startDev(home);
  const left = serving(home);
  killed.process.kill('SIGKILL');
  await killed.ended;
  const dev = await startDev(home);
  expect(dev.said()).toContain('Took over what was left running: server, worker.');
  expect(processesOf(serving(home))).toEqual(processesOf(left));
  process.kill(left.worker, 'SIGKILL');
  while (!(serving(home).worker > 0 && serving(home).worker !== left.worker)) await sleep(50);
  dev.process.kill('SIGTERM');
  expect(await dev.ended).toBe(0);
  expect(recordedProcesses(home)).toBeNull();
  expect(isAlive(left.server)).toBe(false);
});

it('a second Ctrl-C ends server, worker and trainers at once, and says so', async () => {
  const home = openHome({ CONTRAIL_HOME: join(folder, 'killed') });
  const pipeline = join(folder, 'long.yaml');
  await writeFile(
    pipeline,
    `name: long
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { images: 640, classes: 4 } } }
  pretrain: { uses: pretrain, needs: [data], with: { encoder: { name: small-resnet }, epochs: 500 } }
`,
  );
  const dev = await startDev(home);
  const { server, worker } = serving(home);
  const { code } = await runCommand(home, ['run', pipeline, '--id', 'long', '--detach'], {
    TEMPORAL_ADDRESS: undefined,
  });
  expect(code).toBe(0);
  let trainers: number[] = [];
  while (trainers.length === 0) {
    await sleep(100);
    trainers = childrenOf(worker);
  }
  dev.process.kill('SIGINT');
  // npm and a terminal both pass one Ctrl-C on.
  dev.process.kill('SIGINT');
  await sleep(400);
  expect(isAlive(server)).toBe(true);
  dev.process.kill('SIGINT');
  const ended = await dev.ended;
  if (ended === 130) expect(dev.said()).toMatch(/Killed at once: .*\b\d+/);
  expect([server, worker, ...trainers].filter(isAlive)).toEqual([]);
  expect(ended).toBe(130);
});

/** What a user of the machine who does not own it may see. */
const openToOthers = (path: string): string[] => [
  ...(statSync(path).mode & 0o077 ? [path] : []),
  ...(statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => openToOthers(join(path, name))) : []),
];
