import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import type { Origin } from '../../contracts/report.ts';
import { encoderKindNames } from '../../contracts/training-kinds.ts';

/** What leads from a step to the model that it is about, the surest first. */
const ways = ['encoder', 'classifier', 'evaluation'] as const;
const makesEncoder = ({ uses }: PlannedStep) => encoderKindNames.includes(uses);

/** The training or adapter that a step's inputs go back to; the step itself where there is none. */
export function originOf(plan: Plan, id: string): Origin {
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  let step = steps.get(id);
  for (let hops = 0; step && !makesEncoder(step) && hops < plan.steps.length; hops++) {
    const inputs: PlannedStep['inputs'] = step.inputs;
    const way = ways.find((name) => inputs[name]);
    const before: PlannedStep | undefined = way && steps.get(inputs[way]?.step ?? '');
    if (!before) break;
    step = before;
  }
  const maker = step && makesEncoder(step) ? step : steps.get(id);
  const [name = id, variant = ''] = (maker?.id ?? id).split('@');
  return { step: id, arm: maker?.matrix?.of ?? name, variant };
}
