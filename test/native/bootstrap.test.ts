import { spawnSync } from 'node:child_process';
import { cp, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLock } from '../../native/lock.mjs';
import { nativeFolderOf } from '../../native/paths.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('packages are never installed through a symbolic link, and what it leads to stays', async () => {
  const project = join(folder, 'project');
  await cp(fileURLToPath(new URL('../../native', import.meta.url)), join(project, 'native'), { recursive: true });
  await writeFile(join(project, 'package-lock.json'), '{}');
  await mkdir(join(folder, 'shared', 'a-package'), { recursive: true });
  await symlink(join(folder, 'shared'), join(project, 'node_modules'));
  const { status, stderr } = spawnSync(process.execPath, [join(project, 'native', 'test.mjs')], { encoding: 'utf8' });
  expect(stderr).toMatch(/node_modules is a symbolic link/);
  expect(status).toBe(1);
  expect((await lstat(join(project, 'node_modules'))).isSymbolicLink()).toBe(true);
  expect(await readdir(join(folder, 'shared'))).toEqual(['a-package']);
});

describe('the lock of a set-up', () => {
  it('lets one at a time do the work', async () => {
    const path = join(folder, 'one', 'lock');
    let inside = 0;
    const told: string[] = [];
    const work = async () => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inside--;
    };
    const log = (line: string) => void told.push(line);
    const first = withLock(path, work, log);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([first, withLock(path, work, log)]);
    expect(told).toEqual([`Waiting for another set-up (process ${process.pid}) to end`]);
    expect(await readdir(join(folder, 'one'))).toEqual([]);
  });

  it('is taken over from a process that is gone', async () => {
    const path = join(folder, 'lock');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await writeFile(path, String(pid));
    expect(await withLock(path, async () => 'done', expect.unreachable)).toBe('done');
  });

  it('is given back by work that fails', async () => {
    const path = join(folder, 'failing', 'lock');
    const failing = async () => {
      throw new Error('no space');
    };
    await expect(withLock(path, failing, expect.unreachable)).rejects.toThrow('no space');
    expect(await readdir(join(folder, 'failing'))).toEqual([]);
  });
});

it('work that needs TensorFlow is refused in a sentence where its binding is not there', async () => {
  const cache = join(folder, 'cache');
  await mkdir(cache);
  await writeFile(join(cache, 'device'), 'cpu');
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const program =
    "import('./native/index.ts').then((all) => all.requireTensorFlow()).catch(({ code, message }) => console.log(code, message))";
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--eval', program], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CONTRAIL_CACHE: cache },
  });
  expect(stdout + stderr).toMatch(/^SetupFailed TensorFlow is not set up.*Run `contrail setup`/);
});

describe('what set-up makes is kept', () => {
  const here = fileURLToPath(new URL('../..', import.meta.url));
  it.each([
    ['in a clone', {}, false, join(here, '.native')],
    ['in a clone, whatever the cache of its user is', { XDG_CACHE_HOME: '/cache' }, false, join(here, '.native')],
    ["for packages, in their user's cache", { XDG_CACHE_HOME: '/cache' }, true, '/cache/contrail'],
    ['for packages, in the usual one', {}, true, join(homedir(), '.cache', 'contrail')],
    [
      'for packages, not beside what happens to be the current folder',
      { XDG_CACHE_HOME: 'cache' },
      true,
      join(homedir(), '.cache', 'contrail'),
    ],
    ['where it is said', { CONTRAIL_CACHE: '/said' }, true, '/said'],
    ['where it is said, in a clone', { CONTRAIL_CACHE: '/said' }, false, '/said'],
  ])('%s', (_, environment, isInPackage, expected) => {
    expect(nativeFolderOf(environment, isInPackage)).toBe(expected);
  });
});
