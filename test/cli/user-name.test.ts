import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { userName } from '../../cli/user-name.ts';

it('who runs a command is known by name', () => {
  expect(userName()).toBe(userInfo().username);
});

it.skipIf(process.getuid?.() !== 0)('a number that no file of users knows is a name, too', () => {
  const module = new URL('../../cli/user-name.ts', import.meta.url).href;
  const program = `const { userName } = await import(${JSON.stringify(module)}); console.log(userName());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    uid: 54321,
    gid: 0,
    encoding: 'utf8',
    env: {},
  });
  expect(stdout, stderr).toBe('uid 54321\n');
});
