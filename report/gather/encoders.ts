import { encoderOrigin } from '../../contracts/encoder-origin.ts';
import { adaptResult } from '../../contracts/kinds/adapt.ts';
import type { Plan } from '../../contracts/plan.ts';
import type { EncoderReport } from '../../contracts/report.ts';
import { encoderKindNames } from '../../contracts/training-kinds.ts';
import type { StoredStepResult } from '../../store/index.ts';
import type { OriginOf } from './origin.ts';

const lossSchema = adaptResult.shape.loss;

/** The encoders of a run of which there is more to say than that they were trained: weights from elsewhere, and adapters. */
export function gatherEncoders(
  plan: Plan,
  results: Readonly<Record<string, StoredStepResult>>,
  originOf: OriginOf,
): EncoderReport[] {
  return plan.steps.flatMap((step) => {
    if (!encoderKindNames.includes(step.uses)) return [];
    const origin = encoderOrigin(plan, step.id);
    const about = { ...originOf(step.id), uses: step.uses, origin };
    if (step.uses !== 'adapt') return origin.weights ? [about] : [];
    const stored = results[step.id];
    const loss = lossSchema.safeParse(stored?.result.loss);
    const done = loss.success ? { loss: loss.data, seconds: stored?.seconds ?? null } : null;
    return [{ ...about, adapter: { epochs: Number(step.with.epochs ?? 1), done } }];
  });
}
