import { setTimeout as wait } from 'node:timers/promises';
import { type OwnWorkload, openOurs } from '../../ours.ts';
import type { Tell } from '../figures.ts';
import { watchGpu } from '../gpu-samples.ts';
import { measure, tellSteps } from '../step-times.ts';

/** Our step: the time of one, the memory of the GPU, and how busy it is meanwhile. */
export async function ourStep({ workload }: { readonly workload: OwnWorkload }, tell: Tell): Promise<void> {
  const started = performance.now();
  const ours = openOurs(workload);
  ours.run(1);
  tell('first step', (performance.now() - started) / 1000, 's');
  ours.run(4);
  const use = watchGpu();
  const times = await measure(async (count) => {
    // Samples of the GPU come in between.
    await wait(0);
    return ours.run(count).milliseconds;
  });
  tellSteps(tell, workload.batch, times, use());
  const host = process.memoryUsage.rss() / 2 ** 20;
  tell('memory of the process', host, 'MiB');
}
