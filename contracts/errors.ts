/** What a code of an error means, and whether trying again can help. */
export interface ErrorKind {
  readonly means: string;
  readonly remedy: string;
  /** Another attempt with the same input may succeed, so a step that fails with it is tried again. */
  readonly retried: boolean;
  /** Where it passes as soon as something outside changes: until what. */
  readonly until?: string;
}

/**
 * Every failure that Contrail can explain, by a code that survives the trip through Temporal and IPC.
 *
 * The message of an error says what is wrong, where, and what to do about it; a user sees the message alone, never a stack.
 * What is said here is said of the code in general; docs/running.md shows it as a table.
 */
export const errorKinds = {
  Usage: { means: 'The command is not one that can be done.', remedy: 'Write it as the message says.', retried: false },
  InvalidPipeline: {
    means: 'The pipeline file has a mistake.',
    remedy: 'Mend it at the place that the message names.',
    retried: false,
  },
  InvalidInput: {
    means: 'A step has parameters or inputs that it cannot work with.',
    remedy: 'Change them, then resume the run.',
    retried: false,
  },
  InvalidDataset: {
    means: 'A data set cannot be used as it is.',
    remedy: 'Mend what the message names, then resume the run.',
    retried: false,
  },
  SetupFailed: {
    means: 'Something that Contrail needs could not be fetched or built.',
    remedy: 'Run `contrail setup`; `contrail doctor` shows what is missing.',
    retried: true,
  },
  ServerUnreachable: {
    means: 'No Temporal server answers.',
    remedy: 'Start one with `contrail dev`, or set TEMPORAL_ADDRESS to yours.',
    retried: true,
  },
  WrongServer: {
    means: 'The Temporal server or namespace belongs to another store or home.',
    remedy: 'Set CONTRAIL_STORE, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE to what belongs together.',
    retried: true,
  },
  PayloadsUnreadable: {
    means:
      'What Temporal holds cannot be decrypted with the keys that are set here, or is not encrypted though keys are set.',
    remedy: 'Set CONTRAIL_PAYLOAD_KEYS as the message says; docs/security.md has the rules.',
    retried: true,
    until: 'the key is there',
  },
  RunNotFound: {
    means: 'There is no run of that name.',
    remedy: '`contrail list` shows the runs.',
    retried: true,
  },
  RunFailed: {
    means: 'The run ended without completing.',
    remedy: 'Mend what the message names, then `contrail resume` it.',
    retried: true,
  },
  ConfigMismatch: {
    means: 'A training would go on with other settings than its checkpoints were made with.',
    remedy: 'Take the old settings, agree with `--accept-drift`, or start a new run.',
    retried: false,
  },
  CorruptArtifact: {
    means: 'A file of the store is missing or damaged.',
    remedy: '`contrail resume` a run that has a step for it, which makes it again; `contrail store check` names one.',
    retried: false,
  },
  CorruptCheckpoint: {
    means: 'A checkpoint is damaged.',
    remedy: 'Nothing, where an earlier one is whole: training goes on from that.',
    retried: true,
  },
  TakenByCollection: {
    means: 'A collection of garbage removed an artifact at the moment at which a step took it.',
    remedy: 'Nothing: the step is done again.',
    retried: true,
  },
  StoreUnreadable: {
    means: 'A file of the store cannot be read now, which says nothing about what is in it.',
    remedy: 'Mend what the message names: permissions, a disk, a share.',
    retried: true,
    until: 'it can be read',
  },
  DigestMismatch: {
    means: 'A training did not come to the state that was recorded.',
    remedy: 'Find what differs between the machines, or start a new run.',
    retried: false,
  },
  StaleLease: {
    means: 'Another trainer has taken the training over.',
    remedy: 'Nothing: the other one goes on.',
    retried: true,
  },
  NonFiniteLoss: {
    means: 'The loss became infinite or not a number.',
    remedy: 'Lower the learning rate, or see `health` for going back by itself.',
    retried: false,
  },
  BatchTooLarge: {
    means: 'A training step does not fit the memory of the GPU, or of the machine.',
    remedy: 'Give the step a `microbatch` or a smaller `batch`, then resume the run.',
    retried: false,
  },
  WeightsMissing: {
    means: 'Weights that a training begins from are not on the machine of its trainer.',
    remedy: 'Nothing: the worker fetches them and tries again.',
    retried: true,
  },
  TrainerCrashed: {
    means: 'The trainer process died.',
    remedy: '`contrail logs` has its last lines. Ended by SIGKILL, it had too little memory as a rule.',
    retried: true,
  },
  TrainerStalled: {
    means: 'The trainer process said nothing for minutes and was ended.',
    remedy: 'Look at the machine: its GPU, its disk, its load.',
    retried: true,
  },
  Rejected: {
    means: 'A person did not approve a step, or nobody did in time.',
    remedy: 'Mend what was objected to, then `contrail retry` the step, which asks again.',
    retried: false,
  },
  ProgramFailed: {
    means: 'A program of your own ended with an error.',
    remedy: '`contrail logs` has what it printed.',
    retried: true,
  },
  ProgramRefused: {
    means: 'A program of your own ended with an exit code of its `noRetry`.',
    remedy: '`contrail logs` has what it printed. Mend what it says, then resume the run.',
    retried: false,
  },
  InvalidResult: {
    means: 'A step of your own gave a result or outputs that are not what it declares.',
    remedy: 'Mend the program or the declaration, as the message says.',
    retried: false,
  },
  OwnStepsOff: {
    means: 'A worker that runs no code of yours was given a step that is such code.',
    remedy: 'Start the worker with --own-steps, then resume the run.',
    retried: false,
  },
  NotificationFailed: {
    means: 'A webhook could not be reached.',
    remedy: 'See that its receiver runs and is reachable from the worker.',
    retried: true,
    until: 'it answers',
  },
  FileMissing: {
    means: 'A file or folder is not there.',
    remedy: 'Put it there, or name another.',
    retried: false,
  },
  FileExists: {
    means: 'Something else is where a file or folder should be made.',
    remedy: 'Move it away, or name another place.',
    retried: false,
  },
  NotAFolder: {
    means: 'A file stands where a folder should be.',
    remedy: 'Name a folder, or move the file away.',
    retried: false,
  },
  IsAFolder: {
    means: 'A folder stands where a file should be.',
    remedy: 'Name a file.',
    retried: false,
  },
  NotPermitted: {
    means: 'The user that Contrail runs as may not do this to a file or folder.',
    remedy: 'Change its owner or its permissions.',
    retried: false,
  },
  ReadOnly: {
    means: 'A file system can only be read.',
    remedy: 'Mount it for writing, or name another place.',
    retried: false,
  },
  NameTooLong: {
    means: 'The name of a file is longer than its file system allows.',
    remedy: 'Shorten it, or the folders above it.',
    retried: false,
  },
  LinkLoop: {
    means: 'Symbolic links lead in a circle.',
    remedy: 'Remove one of them.',
    retried: false,
  },
  NotSupported: {
    means: 'A file system cannot do what is asked of it.',
    remedy: 'Use one with hard links, atomic renames and large files.',
    retried: false,
  },
  DiskFull: {
    means: 'A disk is full, or a quota is used up.',
    remedy: 'Free space on it; `contrail cache gc` removes what nothing needs.',
    retried: true,
    until: 'there is room',
  },
  TooManyOpenFiles: {
    means: 'The process or the machine has as many files open as it may.',
    remedy: 'Close other programs, or raise the limit (`ulimit -n`).',
    retried: true,
    until: 'files can be opened',
  },
  StorageUnavailable: {
    means: 'A disk or a network share does not answer as it should.',
    remedy: 'Look at the disk, or mount the share again.',
    retried: true,
    until: 'it answers',
  },
  OutOfMemory: {
    means: 'There is not enough memory.',
    remedy: 'End other programs, lower `batch`, or use a machine with more.',
    retried: true,
    until: 'there is enough',
  },
  ConnectionFailed: {
    means: 'A connection could not be made, or broke.',
    remedy: 'Look at the network, and whether the other side runs.',
    retried: true,
    until: 'it can be made',
  },
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type ErrorCode = keyof typeof errorKinds;

export const errorCodes = Object.keys(errorKinds) as [ErrorCode, ...ErrorCode[]];

/** What is known of a code. */
export const errorKind = (code: ErrorCode): ErrorKind => errorKinds[code];

/** The codes for which trying again with the same input can only fail again. */
export const permanentErrorCodes: readonly ErrorCode[] = errorCodes.filter((code) => !errorKinds[code].retried);

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(errorKinds, code);

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
  return error instanceof Error && error.name === 'ContrailError' && 'code' in error && isErrorCode(error.code);
}

/** 2 for a mistake in what the user wrote, 1 for anything that failed while running. */
export function exitCodeOf(error: unknown): 1 | 2 {
  return isContrailError(error) && (error.code === 'Usage' || error.code === 'InvalidPipeline') ? 2 : 1;
}
