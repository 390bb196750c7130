import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { installPackages, requireMachine } from './bootstrap.mjs';
import { root } from './root.mjs';

requireMachine();
await installPackages();
const run = (/** @type {string[]} */ args) =>
  new Promise((resolve) => {
    spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }).on('exit', (code) => resolve(code ?? 1));
  });
const setup = await run([join(root, 'cli', 'contrail.mjs'), 'setup']);
// What it cannot make it says, and the tests that need it are skipped.
if (setup === 0)
  for (const folder of ['s3', 'deploy'])
    await run([join(root, 'native', 'run.mjs'), join(root, 'test', folder, 'make.ts')]);
process.exit(
  setup === 0
    ? await run([join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)])
    : setup,
);
