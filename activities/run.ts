import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { runParameters } from '../contracts/kinds/run.ts';
import { runProgram } from '../own-steps/index.ts';
import { traceEnvironment } from '../traces/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Runs a program of the user's own. */
export async function run(context: ActivityContext, input: StepInput) {
  const { parameters, code, inputs: _, ...step } = stepInputSchema.parse(input);
  requireOwnSteps(context);
  const result = await withHeartbeat((report) =>
    runProgram({
      key: { run: step.run, step: step.step },
      attempt: activityInfo().attempt,
      parameters: runParameters.parse(parameters),
      code,
      store: context.store,
      cacheFolder: context.cacheFolder,
      signal: cancellationSignal(),
      told: traceEnvironment(),
      onLine: (line) => context.say({ run: step.run, step: step.step }, line),
      onProgress: (progress) => report(progress as unknown as Json),
    }),
  );
  return finishStep(context, step, result);
}

/** @throws ContrailError OwnStepsOff */
export function requireOwnSteps({ ownSteps }: ActivityContext): void {
  if (!ownSteps)
    throw new ContrailError(
      'OwnStepsOff',
      'This worker runs no code of yours. Start it with `contrail worker --own-steps`, where you trust whoever starts runs, then resume the run.',
    );
}
