import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import type { FailureDetails } from '../activities/errors.ts';

/** What failed at the bottom of Temporal's wrappers. */
function causeOf(error: unknown): unknown {
  let cause: unknown = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause !== undefined)
    cause = cause.cause;
  return cause;
}

/** How often a step's work was tried before it failed; 1 where its failure does not say. */
export function attemptsOf(error: unknown): number {
  const cause = causeOf(error);
  const details =
    cause instanceof ApplicationFailure ? (cause.details as Partial<FailureDetails> | undefined) : undefined;
  return details?.[0]?.attempt ?? 1;
}

/** What failed, for people. */
export function describeFailure(error: unknown): { type: string; message: string } {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) return { type: cause.type ?? 'Error', message: cause.message };
  if (cause instanceof TimeoutFailure) return { type: 'Timeout', message: `timed out (${cause.timeoutType})` };
  return cause instanceof Error
    ? { type: cause.name, message: cause.message }
    : { type: 'Error', message: String(cause) };
}
