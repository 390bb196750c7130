/**
 * Every failure that Contrail can explain, by a code that survives the trip through Temporal and IPC.
 *
 * The message says what is wrong, where, and what to do about it; a user sees the message alone, never a stack.
 */
export const errorCodes = [
  'Usage',
  'InvalidPipeline',
  'InvalidInput',
  'InvalidDataset',
  'SetupFailed',
  'ServerUnreachable',
  'RunNotFound',
  'RunFailed',
  'ConfigMismatch',
  'CorruptArtifact',
  'CorruptCheckpoint',
  'DigestMismatch',
  'StaleLease',
  'NonFiniteLoss',
  'TrainerCrashed',
  'TrainerStalled',
  'NotificationFailed',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** The codes for which trying again with the same input can only fail again. */
export const permanentErrorCodes: readonly ErrorCode[] = [
  'Usage',
  'InvalidPipeline',
  'InvalidInput',
  'InvalidDataset',
  'ConfigMismatch',
  'CorruptArtifact',
  'DigestMismatch',
  'NonFiniteLoss',
];

/** An error with a stable code and a message meant for a person. */
export class ContrailError extends Error {
  override readonly name = 'ContrailError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Recognises a ContrailError by shape, since class identity is lost between processes. */
export function isContrailError(error: unknown): error is ContrailError {
  return (
    error instanceof Error &&
    error.name === 'ContrailError' &&
    'code' in error &&
    errorCodes.some((code) => code === error.code)
  );
}

/** 2 for a mistake in what the user wrote, 1 for anything that failed while running. */
export function exitCodeOf(error: unknown): 1 | 2 {
  return isContrailError(error) && (error.code === 'Usage' || error.code === 'InvalidPipeline') ? 2 : 1;
}
