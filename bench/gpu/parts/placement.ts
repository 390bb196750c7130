import { runChild } from '../child.ts';
import type { Tell } from '../figures.ts';
import { countNodes, createPlacement } from '../placement-log.ts';
import type { Steps } from './take-steps.ts';

const logged = { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'executor=1' };

/** On which device each node of a captured step runs, as TensorFlow's executor logs it, and what it says while it starts. */
export async function placement({ workload, steps }: Steps, tell: Tell): Promise<void> {
  const placement = createPlacement();
  const why = await runChild(
    'take-steps',
    { workload, steps },
    {
      environment: logged,
      limitSeconds: 300,
      onFigure: ({ figure, value, unit }) => tell(figure, value, unit),
      onLine: placement.read,
    },
  );
  for (const warning of placement.warnings()) tell('TensorFlow says', warning);
  for (const [device, ops] of countNodes(placement.nodes())) {
    tell(
      `nodes on ${device}`,
      [...ops.values()].reduce((sum, count) => sum + count, 0),
    );
    tell(
      `operations on ${device}`,
      [...ops]
        .toSorted(([, a], [, b]) => b - a)
        .map(([op, count]) => `${op} ${count}`)
        .join(', '),
    );
  }
  if (why !== null) throw new Error(why);
}
