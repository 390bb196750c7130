import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { plannedStepIdSchema } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { ownKindSchema } from '../contracts/own-kind.ts';
import { kindOf, type StepKindName, stepKindNames } from '../contracts/step-kinds.ts';

export const checkParametersInput = z.strictObject({
  step: plannedStepIdSchema,
  uses: z.enum(stepKindNames as [StepKindName, ...StepKindName[]]),
  parameters: z.record(z.string(), z.json()),
  own: ownKindSchema.optional(),
});
export type CheckParametersInput = z.input<typeof checkParametersInput>;

/**
 * Validates parameters that hold results of other steps, and fills in the defaults.
 *
 * @throws ContrailError InvalidInput
 */
export async function checkParameters(input: CheckParametersInput): Promise<{ [key: string]: Json }> {
  const { step, uses, parameters, own } = checkParametersInput.parse(input);
  const parsed = kindOf({ uses, with: parameters, own }).parameters.safeParse(parameters);
  if (!parsed.success)
    throw new ContrailError(
      'InvalidInput',
      `The parameters of step ${step} are not valid: ${z.prettifyError(parsed.error)}`,
    );
  return JSON.parse(JSON.stringify(parsed.data)) as { [key: string]: Json };
}
