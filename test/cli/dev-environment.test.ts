import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { afterAll, expect, it } from 'vitest';
import { startDevEnvironment } from '../../cli/dev-environment.ts';
import { addressOf, type DevServer, recordedDevServer } from '../../cli/dev-record.ts';
import { freePorts, startDevServer } from '../../cli/dev-server.ts';
import { isAlive } from '../../cli/processes.ts';
import { openHome } from '../../home/home.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-dev-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

it('`contrail dev` starts a server and a worker that die again, until it is told to stop', async () => {
  const home = openHome({ CONTRAIL_HOME: folder });
  const said: string[] = [];
  const environment = await startDevEnvironment(home, freePorts, (line) => said.push(line));
  /** What serves the home once that is so. */
  const serving = async (isSo: (dev: DevServer) => boolean): Promise<DevServer> => {
    for (;;) {
      const dev = recordedDevServer(home);
      if (dev && isSo(dev)) return dev;
      await sleep(100);
    }
  };
  try {
    const first = await serving(({ worker }) => isAlive(worker));
    process.kill(first.server, 'SIGKILL');
    const second = await serving(({ server }) => server > 0 && server !== first.server);
    expect(second).toMatchObject({ port: first.port, uiPort: first.uiPort, worker: first.worker });
    process.kill(first.worker, 'SIGKILL');
    const third = await serving(({ worker }) => worker > 0 && worker !== first.worker);
    expect(third.server).toBe(second.server);
    expect(said).toEqual([
      "Temporal's server ended (SIGKILL); starting it again",
      'The worker ended (SIGKILL); starting it again',
    ]);
    expect(await partitionsOf(third, 'gpu')).toBe(1);
    await environment.stop();
    expect([third.server, third.worker].map(isAlive)).toEqual([false, false]);
    expect(recordedDevServer(home)).toBeNull();
  } finally {
    await environment.stop();
  }
});

it('`contrail dev` takes over a server of which its starter wrote nothing down, since it was killed first', async () => {
  const home = openHome({ CONTRAIL_HOME: join(folder, 'killed') });
  const { server, port, uiPort } = await startDevServer(home, freePorts);
  expect(recordedDevServer(home)).toBeNull();
  const environment = await startDevEnvironment(home, freePorts, () => {});
  try {
    expect(environment.takenOver).toEqual(['server']);
    expect(environment.server).toMatchObject({ server, port, uiPort });
  } finally {
    await environment.stop();
  }
  expect(isAlive(server)).toBe(false);
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
