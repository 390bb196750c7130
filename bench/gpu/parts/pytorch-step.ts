import { openPytorch, type PytorchSettings } from '../../pytorch/peer.ts';
import type { StepWorkload } from '../../step-peer.ts';
import type { Tell } from '../figures.ts';
import { watchGpu } from '../gpu-samples.ts';
import { measure, tellSteps } from '../step-times.ts';

/** PyTorch's step, likewise. */
export async function pytorchStep(
  { workload, settings }: { readonly workload: StepWorkload; readonly settings: PytorchSettings },
  tell: Tell,
): Promise<void> {
  const pytorch = openPytorch(settings);
  try {
    const { compileSeconds } = (await pytorch.openStep(workload)) as { readonly compileSeconds: number };
    tell('first step', compileSeconds, 's');
    await pytorch.runSteps(4);
    const use = watchGpu();
    const times = await measure(async (count) => (await pytorch.runSteps(count)).milliseconds);
    tellSteps(tell, workload.batch, times, use());
    tell('memory that PyTorch took', (await pytorch.peakMemory()).mebibytes, 'MiB');
  } finally {
    await pytorch.close();
  }
}
