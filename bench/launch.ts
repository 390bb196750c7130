import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '../native/paths.ts';
import { fastEnvironment } from '../training/process/environment.ts';

// TensorFlow and the C library read their settings when a process starts, so the measurements run in a child with the
// environment that the worker gives its trainers. Those of a GPU start processes of their own and need none themselves.
const [first, ...others] = process.argv.slice(2);
const [program, args, settings] =
  first === 'gpu'
    ? (['gpu/main.ts', others, {}] as const)
    : (['main.ts', process.argv.slice(2), { ...trainerEnvironment(), ...fastEnvironment }] as const);
const path = fileURLToPath(new URL(program, import.meta.url));
const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], {
  stdio: 'inherit',
  env: { ...process.env, ...settings },
});
child.on('exit', (code) => process.exit(code ?? 1));
// A signal from the terminal reaches the child as well, which may have processes to stop first.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
