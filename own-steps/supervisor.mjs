import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * Leads the process group of a program, and ends it when its worker is gone: a program that outlived its worker would go on
 * beside the next attempt.
 *
 * The worker says what to run in one line of JSON on channel 3, and keeps the channel open. It is told how the program ended.
 */
const graceMs = Number(process.argv[2]);
const channel = new Socket({ fd: 3, readable: true, writable: true });
let text = '';
let started = false;

// They are for the program; the worker ends what is left of the group.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});

/** @param {object} message */
const tell = (message) => channel.write(`${JSON.stringify(message)}\n`);

/** @param {{ command: string[], cwd: string, env: Record<string, string> }} program */
function start({ command, cwd, env }) {
  started = true;
  const [program = '', ...words] = command;
  try {
    const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', notStarted);
    child.on('exit', (code, signal) => tell(signal ? { how: 'signal', signal } : { how: 'exit', code: code ?? 0 }));
  } catch (error) {
    notStarted(error);
  }
}

/** @param {unknown} error */
function notStarted(error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  tell({ how: 'not-started', code, message: error instanceof Error ? error.message : String(error) });
}

function endGroup() {
  if (!started) process.exit(1);
  process.kill(-process.pid, 'SIGTERM');
  setTimeout(() => process.kill(-process.pid, 'SIGKILL'), graceMs);
}

channel.setEncoding('utf8');
channel.on('data', (part) => {
  text += part;
  const end = text.indexOf('\n');
  if (end >= 0 && !started) start(JSON.parse(text.slice(0, end)));
});
channel.on('error', () => {});
channel.on('close', endGroup);
