import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { z } from 'zod';
import { type ContrailError, type ErrorKind, errorKind } from '../contracts/errors.ts';
import { shortened } from '../contracts/short-text.ts';
import { explained } from '../contracts/system-errors.ts';
import { TrainerStopped } from '../training/host.ts';

/**
 * The one place where errors become Temporal's: codes become failure types, and the permanent ones are not retried. What is
 * retried says what is awaited.
 */
export function toTemporalFailure(error: unknown): unknown {
  // A stop is the answer to a cancellation; Temporal must see its own reason again.
  const { aborted, reason } = cancellationSignal();
  if (aborted && (error instanceof TrainerStopped || (error instanceof Error && error.name === 'AbortError')))
    return reason;
  if (error instanceof z.ZodError)
    return ApplicationFailure.nonRetryable(shortened(z.prettifyError(error), longestMessage), 'InvalidInput');
  const known = error instanceof ApplicationFailure ? null : explained(error);
  if (!known) return error;
  const { retried, until } = prospectOf(known);
  return ApplicationFailure.create({
    message: `${shortened(known.message, longestMessage)}${retried ? awaited(until) : ''}`,
    type: known.code,
    nonRetryable: !retried,
    cause: placeOf(known),
  });
}

/** Temporal replaces a failure that is too large by one that says only that. */
const longestMessage = 4000;
const longestPlace = 2000;

/** Where an error arose. Its own causes stay behind: Temporal repeats message and stack for each. */
function placeOf({ name, message, stack = '' }: Error): Error {
  const place = new Error(shortened(message, 200));
  place.name = name;
  // The stack begins with the whole message, which may be long.
  const frames = stack.search(/^ {4}at /m);
  place.stack = `${name}: ${place.message}\n${frames < 0 ? '' : shortened(stack.slice(frames), longestPlace)}`;
  return place;
}

/** Whether and until what to try again. Why the store cannot be read decides that, where it is known. */
function prospectOf({ code, cause }: ContrailError): ErrorKind {
  const reason = code === 'StoreUnreadable' ? explained(cause) : null;
  return errorKind(reason?.code ?? code);
}

/** Until what it is tried again, unless this was the last attempt. */
function awaited(until: string | undefined): string {
  const { attempt, retryPolicy } = activityInfo();
  const limit = retryPolicy?.maximumAttempts ?? 0;
  const isLast = limit > 0 && attempt >= limit;
  return until === undefined || isLast ? '' : ` It is tried again until ${until}.`;
}

/** What goes with the failure of a step's work, so that its run can say how often it was tried. */
export type FailureDetails = readonly [{ readonly attempt: number }];

/** A failure of a step's work with its attempt. A cancellation stays as it is. */
export function withAttempt(failure: unknown, attempt: number): unknown {
  if (!(failure instanceof Error) || failure instanceof CancelledFailure) return failure;
  const details = [{ attempt }] satisfies FailureDetails;
  if (!(failure instanceof ApplicationFailure)) return ApplicationFailure.fromError(failure, { details });
  const { message, type, nonRetryable, cause } = failure;
  return ApplicationFailure.create({
    message,
    ...(type ? { type } : {}),
    nonRetryable: nonRetryable === true,
    ...(cause ? { cause } : {}),
    details,
  });
}
