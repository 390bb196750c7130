import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { notifyParameters, type notifyResult } from '../contracts/kinds/notify.ts';
import { withReadableNumbers } from '../contracts/readable-numbers.ts';
import { systemCodeOf } from '../contracts/system-errors.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';
import { webhookOf } from './webhook.ts';

/** POSTs a message to a webhook. Its URL is a secret of the worker: it stands in no message, log or history. */
export async function notify(context: ActivityContext, input: StepInput) {
  const { parameters, run, step, fingerprint } = stepInputSchema.parse(input);
  const { urlFrom, message, data, seconds } = notifyParameters.parse(parameters);
  const url = webhookOf(urlFrom);
  // The same for each attempt, so that a receiver can tell a repetition.
  const id = `${run}/${step}/${activityInfo().workflowExecution?.runId ?? ''}`;
  const body = JSON.stringify({ id, run, step, message: withReadableNumbers(message), data });
  const status = await withHeartbeat(() => post(url, urlFrom, body, seconds));
  const result: z.infer<typeof notifyResult> = { status };
  return finishStep(context, { run, step, fingerprint }, result);
}

/** @throws ContrailError NotificationFailed where another attempt may help, InvalidInput where the receiver refuses */
async function post(url: string, variable: string, body: string, seconds: number): Promise<number> {
  const signal = AbortSignal.any([AbortSignal.timeout(seconds * 1000), cancellationSignal()]);
  const headers = { 'content-type': 'application/json' };
  let status: number;
  try {
    const response = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'manual' });
    await response.body?.cancel();
    status = response.status;
  } catch (error) {
    cancellationSignal().throwIfAborted();
    const late = error instanceof Error && error.name === 'TimeoutError';
    throw new ContrailError(
      'NotificationFailed',
      late
        ? `The webhook in ${variable} did not answer within ${seconds} s.`
        : `The webhook in ${variable} could not be reached (${reasonOf(error)}).`,
    );
  }
  if (status >= 200 && status < 300) return status;
  const mayHelp = status >= 500 || status === 408 || status === 429;
  throw new ContrailError(
    mayHelp ? 'NotificationFailed' : 'InvalidInput',
    `The webhook in ${variable} answered ${status}.`,
  );
}

/** The system's code alone: its message would name the host. */
function reasonOf(error: unknown): string {
  return systemCodeOf(error instanceof Error ? error.cause : undefined) ?? 'no connection';
}
