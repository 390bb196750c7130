import { execFileSync, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { median } from '../statistics.ts';

/** What nvidia-smi says of the first GPU; null where there is none. */
export interface GpuUse {
  readonly peakMebibytes: number;
  /** Share of the time in which a kernel ran, the median of the samples, in percent. */
  readonly busy: number;
}

const query = ['--query-gpu=memory.used,utilization.gpu', '--format=csv,noheader,nounits', '--id=0'];

/** Samples the GPU five times a second until the function that it gives is called. */
export function watchGpu(): () => GpuUse | null {
  const child = spawn('nvidia-smi', [...query, '--loop-ms=200'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.on('error', () => {});
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return () => {
    child.kill();
    // Steps that ran in this process kept its event loop from reading: what was written meanwhile is still in the pipe.
    output += (child.stdout.read() as Buffer | null)?.toString() ?? '';
    return readSamples(output);
  };
}

/** @param output lines of `memory, utilisation` */
export function readSamples(output: string): GpuUse | null {
  const samples = output
    .split('\n')
    .map((line) => line.split(',').map(Number))
    .filter(([memory, busy]) => Number.isFinite(memory) && Number.isFinite(busy));
  if (samples.length === 0) return null;
  return {
    peakMebibytes: Math.max(...samples.map(([memory = 0]) => memory)),
    busy: median(samples.map(([, busy = 0]) => busy)),
  };
}

/** MiB of the first GPU in use now; null where there is none. */
export function gpuMemoryNow(): number | null {
  try {
    const text = execFileSync('nvidia-smi', query, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return readSamples(text)?.peakMebibytes ?? null;
  } catch {
    return null;
  }
}

const patienceMs = 30_000;

/** Seconds until the GPU's memory in use is about what it was; null when it stays. Other processes must leave it alone meanwhile. */
export async function secondsUntilFree(mebibytes: number): Promise<number | null> {
  const started = performance.now();
  while (performance.now() - started < patienceMs) {
    if ((gpuMemoryNow() ?? 0) <= mebibytes + 64) return (performance.now() - started) / 1000;
    await wait(100);
  }
  return null;
}
