import type { ReplicasSetting } from '../../../contracts/training.ts';
import { runChild } from '../child.ts';
import type { Tell } from '../figures.ts';
import type { Steps } from './take-steps.ts';

export interface ReplicaSteps extends Steps {
  /** Of parts of the workload: how many are to pass side by side. */
  readonly replicas: readonly ReplicasSetting[];
}

/**
 * The same steps in parts that pass one after the other, and side by side on several GPUs: whether the bits are the same, how much faster it
 * is, and what memory each GPU needs. More GPUs than there are is a figure that says so.
 */
export async function replicas({ workload, steps, replicas: counts }: ReplicaSteps, tell: Tell): Promise<void> {
  const parts = workload.parts ?? { microbatch: workload.batch };
  let first: { readonly digest: string; readonly milliseconds: number } | undefined;
  for (const count of counts) {
    const told = new Map<string, unknown>();
    const why = await runChild(
      'take-steps',
      { workload: { ...workload, parts: { ...parts, replicas: count } }, steps },
      { limitSeconds: 200, onFigure: ({ figure, value }) => told.set(figure, value) },
    );
    const asked = /replicas: \d+ asks for [^.]*/.exec(why ?? '')?.[0];
    if (asked !== undefined) {
      tell(`${count} side by side`, `not here: ${asked}`);
      continue;
    }
    if (why !== null) throw new Error(why);
    const [digest, milliseconds] = [String(told.get('digest')), Number(told.get('step'))];
    first ??= { digest, milliseconds };
    tell(`${count} side by side, step`, milliseconds, 'ms');
    tell(`${count} side by side, images a second`, (1000 * workload.batch) / milliseconds);
    tell(`${count} side by side, times as fast as ${counts[0]}`, first.milliseconds / milliseconds);
    tell(`${count} side by side, same bits as ${counts[0]}`, digest === first.digest);
    for (const [figure, value] of told)
      if (figure.startsWith('memory of GPU')) tell(`${count} side by side, ${figure}`, Number(value), 'MiB');
  }
}
