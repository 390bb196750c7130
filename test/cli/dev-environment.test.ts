import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { serverOf } from '../../cli/connection.ts';
import { startDevEnvironment } from '../../cli/dev-environment.ts';
import { addressOf, type DevServer, findDevServer, isAlive } from '../../cli/dev-server.ts';
import { openHome } from '../../worker/home.ts';
import { runCommand } from '../e2e/command.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-dev-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

it('`contrail dev` starts a server and a worker that die again, until it is told to stop', async () => {
  const home = openHome({ CONTRAIL_HOME: folder });
  const said: string[] = [];
  const environment = await startDevEnvironment(home, { port: 0, uiPort: 0 }, (line) => said.push(line));
  /** What serves the home once that is so. */
  const serving = async (isSo: (dev: DevServer) => boolean): Promise<DevServer> => {
    for (;;) {
      const dev = await findDevServer(home);
      if (dev && isSo(dev)) return dev;
      await sleep(100);
    }
  };
  try {
    const first = await serving(({ worker }) => isAlive(worker));
    process.kill(first.server, 'SIGKILL');
    const second = await serving(({ server }) => server !== first.server);
    expect(second).toMatchObject({ port: first.port, uiPort: first.uiPort, worker: first.worker });
    process.kill(first.worker, 'SIGKILL');
    const third = await serving(({ worker }) => worker !== first.worker);
    expect(third.server).toBe(second.server);
    expect(said).toEqual([
      "Temporal's server ended (SIGKILL); starting it again",
      'The worker ended (SIGKILL); starting it again',
    ]);
    expect(await partitionsOf(third, 'gpu')).toBe(1);
    await environment.stop();
    expect([third.server, third.worker].map(isAlive)).toEqual([false, false]);
    expect(await findDevServer(home)).toBeNull();
  } finally {
    await environment.stop();
  }
});

it('commands ask the server that serves their home, unless TEMPORAL_ADDRESS names another', async () => {
  const home = openHome({ CONTRAIL_HOME: await mkdtemp(join(folder, 'asked-')) });
  const addressAsked = async () => (await serverOf(home)).connectionOptions.address;
  vi.stubEnv('TEMPORAL_ADDRESS', undefined);
  expect(await addressAsked()).toBe('127.0.0.1:7233');
  const environment = await startDevEnvironment(home, { port: 0, uiPort: 0 }, () => {});
  try {
    await vi.waitUntil(() => findDevServer(home));
    expect(await serverOf(home)).toMatchObject({
      connectionOptions: { address: environment.address },
      dev: { port: environment.server.port },
    });
    expect(await runCommand(home, ['list', '--json'])).toMatchObject({ stdout: '[]\n', code: 0 });
    vi.stubEnv('TEMPORAL_NAMESPACE', 'missing');
    for (const command of ['list', 'worker']) {
      const { stderr, code } = await runCommand(home, [command]);
      expect(stderr).toContain(`The Temporal server at ${environment.address} has no namespace missing.`);
      expect(code).toBe(2);
    }
    vi.stubEnv('TEMPORAL_NAMESPACE', undefined);
    vi.stubEnv('TEMPORAL_ADDRESS', 'temporal.example:7233');
    expect(await serverOf(home)).toMatchObject({ connectionOptions: { address: 'temporal.example:7233' }, dev: null });
    vi.stubEnv('TEMPORAL_ADDRESS', undefined);
  } finally {
    await environment.stop();
  }
  expect(await addressAsked()).toBe('127.0.0.1:7233');
});

it('what is left running outlives the process that started it, and is not started twice', async () => {
  const home = openHome({ CONTRAIL_HOME: await mkdtemp(join(folder, 'left-')) });
  const program = `
    import { startDevEnvironment } from ${JSON.stringify(new URL('../../cli/dev-environment.ts', import.meta.url).href)};
    import { openHome } from ${JSON.stringify(new URL('../../worker/home.ts', import.meta.url).href)};
    const environment = await startDevEnvironment(openHome(), { port: 0, uiPort: 0 }, () => {});
    console.log(JSON.stringify(environment.leave()));`;
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { encoding: 'utf8', env: { ...process.env, CONTRAIL_HOME: home.folder } },
  );
  expect(status).toBe(0);
  const { server, worker } = JSON.parse(stdout) as Pick<DevServer, 'server' | 'worker'>;
  try {
    expect(await findDevServer(home)).toMatchObject({ server, worker });
    const again = await runCommand(home, ['dev']);
    expect(again.code).toBe(0);
    expect(again.stderr).toContain(`run already; \`kill ${worker} ${server}\` stops them.`);
    expect([server, worker].map(isAlive)).toEqual([true, true]);
  } finally {
    for (const pid of [worker, server]) process.kill(pid, 'SIGTERM');
    await vi.waitUntil(() => ![server, worker].some(isAlive), { timeout: 20_000 });
  }
});

/** Into how many parts the server splits a task queue; a worker's slot asks one of them at a time. */
async function partitionsOf(dev: DevServer, name: string): Promise<number> {
  const connection = await Connection.connect({ address: addressOf(dev) });
  try {
    const request = { namespace: 'default', taskQueue: { name } };
    const { activityTaskQueuePartitions } = await connection.workflowService.listTaskQueuePartitions(request);
    return activityTaskQueuePartitions.length;
  } finally {
    await connection.close();
  }
}
