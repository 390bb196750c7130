import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, ownServer } from '../../cli/connection.ts';
import { addressOf, recordedDevServer } from '../../cli/dev-record.ts';
import {
  freePorts,
  portsOf,
  type StartedServer,
  startDevServer,
  startWorkerProcess,
  stopDevServer,
} from '../../cli/dev-server.ts';
import { type Home, openHome } from '../../home/home.ts';
import { openStore } from '../../store/index.ts';
import { ownerOfHome } from '../../worker/belonging.ts';
import { type Answer, runCommand } from '../e2e/command.ts';

/** Two homes on one machine, each with a server; what a command of one does may reach the other in no case. */
const folder = await mkdtemp(join(tmpdir(), 'contrail-homes-'));
const pipeline = join(folder, 'p.yaml');
const homeIn = (name: string) => openHome({ CONTRAIL_HOME: join(folder, name) });
const [one, other] = [homeIn('one'), homeIn('other')];
let servers: StartedServer[] = [];

beforeAll(async () => {
  await writeFile(
    pipeline,
    'name: p\nsteps: { data: { uses: prepare-data, with: { dataset: generated, generated: { images: 64, classes: 2 } } } }\n',
  );
  servers = await Promise.all([one, other].map((home) => startDevServer(home, freePorts)));
  for (const [index, home] of [one, other].entries()) await pretendKept(home, servers[index] as StartedServer);
});
afterAll(async () => {
  const [first, second] = servers;
  if (first && second) await Promise.all([stopDevServer(one, first), stopDevServer(other, second)]);
  await rm(folder, { recursive: true, force: true });
});

async function pretendKept(home: Home, { server, port, uiPort }: StartedServer): Promise<void> {
  await writeFile(home.devFile, JSON.stringify({ server, worker: 0, port, uiPort }));
}

const addresses = () => servers.map(addressOf) as [string, string];
const contrail = (
  home: Home,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  onError?: (stderr: string) => void,
): Promise<Answer> => runCommand(home, args, { TEMPORAL_ADDRESS: undefined, ...environment }, onError);

async function runsAt(home: Home, address: string): Promise<string[]> {
  const server = await connect(home, { ...ownServer(devAt(address)), origin: 'named' });
  try {
    const runs: string[] = [];
    for await (const { workflowId, type } of server.client.workflow.list())
      if (type === 'pipeline') runs.push(workflowId);
    return runs;
  } finally {
    await server.close();
  }
}
const devAt = (address: string) => ({
  server: 0,
  worker: 0,
  keeper: 0,
  port: Number(address.split(':')[1]),
  uiPort: 0,
});

describe('a home', () => {
  it('waits for its own server when that is slow, and asks no other', async () => {
    const { server = 0 } = recordedDevServer(one) ?? {};
    process.kill(server, 'SIGSTOP');
    const { code } = await contrail(one, ['run', pipeline, '--id', 'slow', '--detach'], {}, (stderr) => {
      if (stderr.includes(`Waiting for the server of this home (process ${server}, ${addresses()[0]})`))
        process.kill(server, 'SIGCONT');
    });
    expect(code).toBe(0);
    expect(await runsAt(one, addresses()[0])).toEqual(['slow']);
    expect(await runsAt(other, addresses()[1])).toEqual([]);
  });

  it('gives up on a server that stays silent, and has done nothing', async () => {
    const { server = 0 } = recordedDevServer(one) ?? {};
    process.kill(server, 'SIGSTOP');
    try {
      const { code, stderr } = await contrail(one, ['cancel', 'slow']);
      expect(code).toBe(1);
      expect(stderr).toContain(
        `The server of this home lives (process ${server}, ${addresses()[0]}), but does not answer.`,
      );
    } finally {
      process.kill(server, 'SIGCONT');
    }
  });

  it('is refused by the server of another store, to commands and workers alike, with both names', async () => {
    const [ours, theirs] = [await ownerOfHome(one), await ownerOfHome(other)];
    const commands = [['run', pipeline, '--id', 'stray', '--detach'], ['cancel', 'slow'], ['logs', 'slow'], ['worker']];
    for (const args of commands) {
      const { code, stderr } = await contrail(one, args, { TEMPORAL_ADDRESS: addresses()[1] });
      expect({ args, code }).toEqual({ args, code: 1 });
      expect(stderr).toContain(`belongs to the store ${theirs.store} (${theirs.storeAt})`);
      expect(stderr).toContain(`this is the store ${ours.store} (${ours.storeAt})`);
    }
    expect(await runsAt(other, addresses()[1])).toEqual([]);
  });

  it('of another machine, with the same store, uses a server that it is told by name', async () => {
    const machine = homeIn('machine');
    const shared = { CONTRAIL_STORE: one.storeUrl, TEMPORAL_ADDRESS: addresses()[0] };
    const { code, stdout } = await contrail(machine, ['list', '--json'], shared);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ run: 'slow' }]);
    // The name of a server is not enough: its store must be ours.
    expect((await contrail(machine, ['list'], { TEMPORAL_ADDRESS: addresses()[0] })).code).toBe(1);
  });

  it('that was copied asks not the server of the one that it was copied from', async () => {
    const copy = homeIn('copy');
    await cp(one.folder, copy.folder, { recursive: true });
    expect(recordedDevServer(one)).not.toBeNull();
    expect(recordedDevServer(copy)).toBeNull();
    const { code, stderr } = await contrail(copy, ['list'], { TEMPORAL_ADDRESS: addresses()[0] });
    expect(stderr).toMatch(/belongs to the store at .*\/one\/store, and that at .*\/copy\/store is a copy of it\./);
    expect(code).toBe(1);
  });

  it('takes no second server to its database, be the first silent or not', async () => {
    await expect(startDevServer(one, freePorts)).rejects.toThrow('has');
    const { server = 0 } = recordedDevServer(one) ?? {};
    process.kill(server, 'SIGSTOP');
    await expect(startDevServer(one, freePorts)).rejects.toThrow(`${one.databaseFile} open already`);
    process.kill(server, 'SIGCONT');
  });
});

describe('the server of a home', () => {
  it('refuses web pages: its HTTP interface answers to no name that a page can know', async () => {
    const [first] = servers;
    const answers = await Promise.all(
      (await portsListening(first?.server ?? 0)).map(async (port) => {
        const response = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/default/workflows/planted`, {
          method: 'POST',
          headers: { 'content-type': 'text/plain' },
          body: JSON.stringify({ workflowType: { name: 'pipeline' }, taskQueue: { name: 'contrail' } }),
        }).catch(() => null);
        return response?.status ?? 0;
      }),
    );
    expect(answers).toContain(403);
    expect(answers).not.toContain(200);
    expect(await runsAt(one, addresses()[0])).toEqual(['slow']);
  });
});

/** The ports on which a process listens. */
async function portsListening(pid: number): Promise<number[]> {
  const { listensOn } = await import('../../cli/ports.ts');
  const lines = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n');
  const ports = lines.flatMap((line) => {
    const [, local = ''] = line.trim().split(/\s+/);
    return local.includes(':') ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [];
  });
  return [...new Set(ports)].filter((port) => listensOn(pid, port));
}

it('a worker that finds another server behind its address leaves the steps to those whose they are, and ends', async () => {
  const [first] = servers as [StartedServer, StartedServer];
  const moved = homeIn('moved');
  const [before, port] = [await startDevServer(moved, freePorts), portsOf(first)];
  await stopDevServer(moved, before);
  const worker = startWorkerProcess(one, addressOf(first));
  const ended = new Promise<number | null>((resolve) => worker.once('exit', resolve));
  const log = () => readFile(join(one.logFolder, 'worker.out.log'), 'utf8').catch(() => '');
  while (!(await log()).includes('worker ready')) await sleep(100);
  await stopDevServer(one, first);
  const second = await startDevServer(moved, port);
  try {
    expect(addressOf(second)).toBe(addressOf(first));
    const { code } = await contrail(moved, ['run', pipeline, '--id', 'taken', '--detach'], {
      TEMPORAL_ADDRESS: addressOf(second),
    });
    expect(code).toBe(0);
    expect(await ended).toBe(1);
    expect(await log()).toContain(`belongs to the store ${(await ownerOfHome(moved)).store}`);
    expect(await openStore(one.storeUrl).list('runs/taken')).toEqual([]);
    expect(await openStore(moved.storeUrl).list('runs/taken/steps')).toEqual([]);
  } finally {
    await stopDevServer(moved, second);
  }
});

it('a home without a server says so, whatever else answers on this machine', async () => {
  const alone = homeIn('alone');
  const { code, stderr } = await contrail(alone, ['run', pipeline, '--detach']);
  expect(code).toBe(1);
  expect(stderr).toContain(`No Temporal server runs for ${alone.folder}. Start one with \`contrail dev\``);
});

it('a server that is none is told from one that is away', async () => {
  const web = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => web.once('listening', resolve));
    const address = `127.0.0.1:${(web.address() as AddressInfo).port}`;
    const { code, stderr } = await contrail(homeIn('alone'), ['run', pipeline, '--detach'], {
      TEMPORAL_ADDRESS: address,
    });
    expect(stderr).toContain(`What answers at ${address} is no Temporal server.`);
    expect(code).toBe(1);
  } finally {
    web.close();
  }
});
