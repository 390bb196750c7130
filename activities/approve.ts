import type { z } from 'zod';
import { approvalDecisionSchema, decisionText } from '../contracts/approval.ts';
import { ContrailError } from '../contracts/errors.ts';
import { saveDecision } from '../store/index.ts';
import type { ActivityContext } from './context.ts';
import { stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

export const recordDecisionInput = stepInputSchema.extend({ decision: approvalDecisionSchema });
export type RecordDecisionInput = z.input<typeof recordDecisionInput>;

/**
 * Writes down what was decided of a step.
 *
 * @throws ContrailError Rejected where it was not approved
 */
export async function recordDecision(context: ActivityContext, input: RecordDecisionInput) {
  const { run, step, fingerprint, decision } = recordDecisionInput.parse(input);
  await saveDecision(context.store, { run, step }, decision);
  const { approved, ...result } = decision;
  if (!approved)
    throw new ContrailError(
      'Rejected',
      `${step} was ${decisionText(decision)}. \`contrail retry ${run} ${step}\` asks again.`,
    );
  return finishStep(context, { run, step, fingerprint }, result, { cache: false });
}
