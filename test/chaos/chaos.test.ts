import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawOf } from './draw.ts';
import { drawFault } from './faults/index.ts';
import { type FaultyDisk, faultyDisk } from './machine/disk.ts';
import { startLink } from './machine/link.ts';
import { tableOf } from './table.ts';

/** What `npm run chaos` disturbs with does what it says. The disturbances themselves take an hour, and are a command of their own. */
let folder: string;
let disk: FaultyDisk;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-chaos-test-'));
  await mkdir(join(folder, 'under'));
  disk = await faultyDisk(folder, join(folder, 'under'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a script in a process whose disk and clock are ours; gives what it prints. */
const run = (script: string): string =>
  execFileSync(process.execPath, ['-e', script], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...disk.environment },
    encoding: 'utf8',
  }).trim();

const write = (path: string) =>
  `try { require('fs').writeFileSync(${JSON.stringify(path)}, 'content'); console.log('written') } catch (error) { console.log(error.code) }`;

describe('a disk that fails', () => {
  it('fails below its folder, and nowhere else, until it is told to stop', () => {
    disk.set({ error: 'ENOSPC', operations: ['write'] });
    expect(run(write(join(folder, 'under', 'a')))).toBe('ENOSPC');
    expect(run(write(join(folder, 'beside')))).toBe('written');
    disk.set(null);
    expect(run(write(join(folder, 'under', 'a')))).toBe('written');
  });

  it('fails where a part of the path says, after so many operations, and so often', () => {
    const three = ['a', 'b', 'b', 'b'].map((name) => write(join(folder, 'under', name))).join(';');
    disk.set({ error: 'EIO', operations: ['write'], part: '/b', after: 1, times: 1 });
    expect(run(three).split('\n')).toEqual(['written', 'written', 'EIO', 'written']);
    disk.set(null);
  });

  it('sets the clock of the day, and not that which measures', () => {
    const hour = 3_600_000;
    disk.setClock(-hour);
    const [day, measured] = run('console.log(Date.now(), Number(process.hrtime.bigint() / 1000000n))').split(' ');
    disk.setClock(0);
    expect(Date.now() - hour - Number(day)).toBeLessThan(60_000);
    expect(Math.abs(Number(process.hrtime.bigint() / 1_000_000n) - Number(measured))).toBeLessThan(60_000);
  });
});

it('a link can be cut, silenced and healed', async () => {
  const server = createServer((socket) => socket.pipe(socket).on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const link = await startLink(typeof address === 'object' && address ? address.port : 0);
  const ask = () =>
    fetch(`http://${link.address}`, { signal: AbortSignal.timeout(300) }).then(
      () => 'answered',
      (error: Error) => (error.name === 'TimeoutError' ? 'silent' : 'refused'),
    );
  // What echoes is no HTTP server: its answer cannot be read, and is one.
  link.silence();
  expect(await ask()).toBe('silent');
  link.heal();
  expect(await ask()).toBe('refused');
  link.cut();
  expect(await ask()).toBe('refused');
  await link.stop();
  server.close();
});

describe('what is drawn', () => {
  const has = new Set(['folder', 'training'] as const);
  const names = (seed: number) => Array.from({ length: 200 }, (_, at) => drawFault(drawOf(seed, at), has).name);

  it('is a function of the seed', () => {
    expect(names(7)).toEqual(names(7));
    expect(names(7)).not.toEqual(names(8));
  });

  it('can happen there', () => {
    expect(names(7).filter((name) => name.startsWith('S3'))).toEqual([]);
    const without = Array.from({ length: 200 }, (_, at) => drawFault(drawOf(1, at), new Set(['s3'] as const)).name);
    expect(without.filter((name) => name.startsWith('trainer:') || name.startsWith('store:'))).toEqual([]);
  });
});

it('the table names what was lost and what was left', () => {
  const { text, isWhole } = tableOf(
    [
      {
        is: 'run',
        run: 'w0-0-small',
        workload: 'small',
        struck: [{ fault: 'worker: SIGKILL', what: 'away for 1 ms' }],
        ...{ stops: [], lost: ['another digest'], seconds: 1 },
      },
      { is: 'world', world: 0, kind: 'folder', left: ['a file'] },
    ],
    { seed: 1, seconds: 2 },
  );
  expect(isWhole).toBe(false);
  expect(text).toContain('LOST w0-0-small: another digest');
  expect(text).toContain('LEFT world 0: a file');
  expect(text).toContain('1 faults in 1 runs, seed 1, 2 s: 1 lost, 1 left over');
});

it('a mistake in its options is a sentence, and no stack', () => {
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  const runner = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [runner, program, '--faults', 'many'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toContain('faults');
  expect(stderr).toContain('npm run chaos --');
  expect(stderr).not.toContain('    at ');
});
