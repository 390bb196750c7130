import { spawnSync } from 'node:child_process';
import { cp, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLock } from '../../native/lock.mjs';

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

it('work that needs TensorFlow is refused in a sentence where an update of the packages removed the binding', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const project = join(folder, 'updated');
  for (const part of ['native', 'contracts']) await cp(join(root, part), join(project, part), { recursive: true });
  await mkdir(join(project, '.native'));
  await writeFile(join(project, '.native', 'device'), 'cpu');
  const addon = join('node_modules', '@tensorflow', 'tfjs-node-gpu');
  await cp(join(root, addon, 'binding'), join(project, addon, 'binding'), { recursive: true });
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await symlink(join(root, 'node_modules', 'zod'), join(project, 'node_modules', 'zod'));
  const program =
    "import('./native/binding.ts').then((all) => all.requireTensorFlow()).catch(({ code, message }) => console.log(code, message))";
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', tsx, '--eval', program], {
    cwd: project,
    encoding: 'utf8',
  });
  expect(stdout + stderr).toMatch(/^SetupFailed TensorFlow is not set up.*Run `contrail setup`/);
});
