import { benchAgreement } from '../../agreement.ts';
import { openPytorch } from '../../pytorch/peer.ts';
import type { Tell } from '../figures.ts';

/** Whether PyTorch computes the same loss from the same weights on this device. */
export async function agreement({ python }: { readonly python: string }, tell: Tell): Promise<void> {
  const pytorch = openPytorch({ python, compile: false, tf32: false });
  try {
    for (const { encoder, difference, gradientDifference } of await benchAgreement(pytorch)) {
      tell(`${encoder}: loss, difference`, difference);
      tell(`${encoder}: length of the gradient, difference as a share`, gradientDifference);
    }
  } finally {
    await pytorch.close();
  }
}
