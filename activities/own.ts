import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { codeRefSchema } from '../contracts/artifacts.ts';
import type { Json } from '../contracts/json.ts';
import { ownKindSchema } from '../contracts/own-kind.ts';
import { runOwnStep } from '../own-steps/index.ts';
import { traceEnvironment } from '../traces/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';
import { requireOwnSteps } from './run.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Runs a step of the user's own, in TypeScript or JavaScript. */
export async function own(context: ActivityContext, input: StepInput) {
  const { parameters, code, inputs, own: kind, ...step } = stepInputSchema.parse(input);
  requireOwnSteps(context);
  const key = { run: step.run, step: step.step };
  const result = await withHeartbeat((report) =>
    runOwnStep({
      key,
      attempt: activityInfo().attempt,
      kind: ownKindSchema.parse(kind),
      parameters: parameters as Record<string, Json>,
      inputs,
      code: codeRefSchema.parse(code),
      fingerprint: step.fingerprint,
      store: context.store,
      cacheFolder: context.cacheFolder,
      signal: cancellationSignal(),
      told: traceEnvironment(),
      onLine: (line) => context.say(key, line),
      onProgress: (progress) => report(progress as unknown as Json),
    }),
  );
  return finishStep(context, step, result);
}
