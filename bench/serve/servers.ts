import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../cli/ports.ts';
import { childrenOf, ofProcess, processorOf } from '../trainer-processes.ts';
import { fastapiEnvironment } from './environment.ts';

/** A server that is measured. */
export interface MeasuredServer {
  readonly url: string;
  readonly child: ChildProcess;
  /** Resident memory of it and what it started, in MiB. */
  readonly memory: () => number;
  /** Processor time of both since they began, in seconds: other programs on the machine make no difference to it. */
  readonly processor: () => number;
  readonly stop: () => Promise<void>;
}

const cli = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const peer = fileURLToPath(new URL('peer.py', import.meta.url));
const patienceMs = 120_000;

/** `contrail serve`, of classes alone, as the peer. @param port where it was before, or a free one */
export async function startOurs(storeUrl: string, model: string, port?: number): Promise<MeasuredServer> {
  const taken = port ?? (await freePort());
  return start(
    process.execPath,
    [cli, 'serve', '--model', model, '--port', String(taken), '--no-training-index'],
    taken,
    {
      CONTRAIL_STORE: storeUrl,
      CONTRAIL_HOME: storeUrl,
    },
  );
}

/** FastAPI and TensorFlow. */
export async function startPeer(savedModel: string): Promise<MeasuredServer> {
  const { python, packages } = await fastapiEnvironment();
  const port = await freePort();
  return start(python, ['-B', peer, savedModel, String(port)], port, {
    PYTHONPATH: packages,
    TF_CPP_MIN_LOG_LEVEL: '3',
  });
}

async function start(
  program: string,
  args: readonly string[],
  port: number,
  environment: Readonly<Record<string, string>>,
): Promise<MeasuredServer> {
  const child = spawn(program, [...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr?.on('data', (piece: Buffer) => {
    said.push(String(piece));
    if (said.length > 20) said.shift();
  });
  const url = `http://127.0.0.1:${port}`;
  const end = performance.now() + patienceMs;
  for (;;) {
    if (await isReady(url)) break;
    if (child.exitCode !== null || performance.now() > end)
      throw new Error(`${program} did not start: ${said.join('')}`);
    await wait(100);
  }
  const both = () => [child.pid ?? 0, ...childrenOf(child.pid ?? 0)];
  return {
    url,
    child,
    memory: () => both().reduce((sum, pid) => sum + residentOf(pid), 0),
    processor: () => both().reduce((sum, pid) => sum + processorOf(pid), 0),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

const residentOf = (pid: number): number => Number(/VmRSS:\s+(\d+) kB/.exec(ofProcess(pid, 'status'))?.[1] ?? 0) / 1024;
