import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordDevServer, recordedDevServer, recordedProcesses } from '../../cli/dev-record.ts';
import { signerOf, signLock, takeLock } from '../../cli/locks.ts';
import { makeHome, openHome } from '../../home/home.ts';

/** A home whose keeper and worker live, as both are this process, and a copy of all its files. */
const folder = await mkdtemp(join(tmpdir(), 'contrail-copied-'));
const homeIn = (name: string) => openHome({ CONTRAIL_HOME: join(folder, name) });
const [home, copy, moved] = [homeIn('home'), homeIn('copy'), homeIn('moved')];

beforeAll(async () => {
  await makeHome(home);
  const lock = takeLock(home.devLock);
  if (!lock) throw new Error('the lock is held');
  signLock(home.devLock, lock);
  recordDevServer(home, { server: 0, worker: process.pid, keeper: process.pid, port: 7233, uiPort: 8233 });
  await cp(home.folder, copy.folder, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a home knows who looks after it', () => {
  expect(recordedProcesses(home)).toMatchObject({ worker: process.pid, keeper: process.pid });
  expect(signerOf(home.devLock)).toBe(process.pid);
});

it('a copy of it is looked after by nobody: its commands do not reach the first, nor does its `dev` end the worker of that', () => {
  expect(recordedProcesses(copy)).toMatchObject({ server: 0, worker: 0, keeper: 0 });
  expect(recordedDevServer(copy)).toBeNull();
  expect(signerOf(copy.devLock)).toBe(0);
});

it('one that was moved is still looked after', async () => {
  await rename(home.folder, moved.folder);
  expect(recordedProcesses(moved)).toMatchObject({ worker: process.pid, keeper: process.pid });
  expect(signerOf(moved.devLock)).toBe(process.pid);
});
