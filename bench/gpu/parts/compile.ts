import { openPytorch } from '../../pytorch/peer.ts';
import type { StepWorkload } from '../../step-peer.ts';
import type { Tell } from '../figures.ts';

/** Lets PyTorch compile steps, one after another. Its cache of compiled code is on the disk of the machine. */
export async function compile(
  { python, workloads }: { readonly python: string; readonly workloads: readonly StepWorkload[] },
  tell: Tell,
): Promise<void> {
  const pytorch = openPytorch({ python, compile: true });
  try {
    for (const [index, workload] of workloads.entries()) {
      const { compileSeconds } = await pytorch.openStep(workload);
      tell(`step ${index + 1} of ${workloads.length}`, compileSeconds, 's');
    }
  } finally {
    await pytorch.close();
  }
}
