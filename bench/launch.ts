import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '../native/paths.ts';
import { fastEnvironment } from '../training/process/environment.ts';

// TensorFlow and the C library read their settings when a process starts, so the measurements run in a child with the
// environment that the worker gives its trainers.
const main = fileURLToPath(new URL('main.ts', import.meta.url));
const child = spawn(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, ...trainerEnvironment(), ...fastEnvironment },
});
child.on('exit', (code) => process.exit(code ?? 1));
// A signal from the terminal reaches the child as well, which may have processes to stop first.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
