import { cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { isContrailError, permanentErrorCodes } from '../contracts/errors.ts';
import { TrainerStopped } from '../training/host.ts';

/** The one place where errors become Temporal's: codes become failure types, and the permanent ones are not retried. */
export function toTemporalFailure(error: unknown): unknown {
  // A stop is the answer to a cancellation; Temporal must see its own reason again.
  const { aborted, reason } = cancellationSignal();
  if (aborted && (error instanceof TrainerStopped || (error instanceof Error && error.name === 'AbortError')))
    return reason;
  if (isContrailError(error))
    return ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: permanentErrorCodes.includes(error.code),
      cause: error,
    });
  if (error instanceof z.ZodError) return ApplicationFailure.nonRetryable(z.prettifyError(error), 'InvalidInput');
  return error;
}
