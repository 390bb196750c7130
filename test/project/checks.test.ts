import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = (program: string, args: string[]) => {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, output: `${stdout}${stderr}` };
};

it('type-checks', () => {
  const { status, output } = run('tsc', []);
  expect(status, output).toBe(0);
});

it('type-checks the script of the page that tries a model, which knows a browser and not Node', () => {
  const { status, output } = run('tsc', ['-p', 'serving/http/page']);
  expect(status, output).toBe(0);
});

it('is formatted and passes the linter', () => {
  const { status, output } = run('biome', ['ci', '--error-on-warnings', '.']);
  expect(status, output).toBe(0);
});
