import { median } from '../statistics.ts';
import type { Tell } from './figures.ts';
import type { GpuUse } from './gpu-samples.ts';

const enoughSteps = 40;
const enoughMs = 6000;
const portion = 5;

/** Milliseconds of steps, until there are enough of them or it takes too long. */
export async function measure(run: (count: number) => Promise<readonly number[]>): Promise<number[]> {
  const times: number[] = [];
  const started = performance.now();
  while (times.length < enoughSteps && (times.length === 0 || performance.now() - started < enoughMs))
    times.push(...(await run(portion)));
  return times;
}

/** @param batch images of a step, each in two views; images a second count each once */
export function tellSteps(tell: Tell, batch: number, times: readonly number[], use: GpuUse | null): void {
  const middle = median(times);
  tell('step', middle, 'ms');
  tell('images a second', (1000 * batch) / middle);
  tell('steps measured', times.length);
  if (use === null) return;
  tell('GPU memory, peak', use.peakMebibytes, 'MiB');
  tell('GPU busy', use.busy, '%');
}
