import { ContrailError, type ErrorCode, errorKind, isContrailError } from './errors.ts';
import { shortened } from './short-text.ts';

/** What the operating system's codes mean to a person. */
const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'FileMissing',
  EEXIST: 'FileExists',
  ENOTEMPTY: 'FileExists',
  ENOTDIR: 'NotAFolder',
  EISDIR: 'IsAFolder',
  ERR_FS_EISDIR: 'IsAFolder',
  EACCES: 'NotPermitted',
  EPERM: 'NotPermitted',
  EROFS: 'ReadOnly',
  ENAMETOOLONG: 'NameTooLong',
  ELOOP: 'LinkLoop',
  EXDEV: 'NotSupported',
  EMLINK: 'NotSupported',
  ENOTSUP: 'NotSupported',
  EOPNOTSUPP: 'NotSupported',
  ENOSYS: 'NotSupported',
  EFBIG: 'NotSupported',
  ENOSPC: 'DiskFull',
  EDQUOT: 'DiskFull',
  EMFILE: 'TooManyOpenFiles',
  ENFILE: 'TooManyOpenFiles',
  EIO: 'StorageUnavailable',
  ESTALE: 'StorageUnavailable',
  ENODEV: 'StorageUnavailable',
  ENXIO: 'StorageUnavailable',
  EREMOTEIO: 'StorageUnavailable',
  EBUSY: 'StorageUnavailable',
  EAGAIN: 'StorageUnavailable',
  ENOTCONN: 'StorageUnavailable',
  EHOSTDOWN: 'StorageUnavailable',
  ETIMEDOUT: 'StorageUnavailable',
  ENOMEM: 'OutOfMemory',
  ERR_WORKER_OUT_OF_MEMORY: 'OutOfMemory',
  ECONNREFUSED: 'ConnectionFailed',
  ECONNRESET: 'ConnectionFailed',
  ECONNABORTED: 'ConnectionFailed',
  EHOSTUNREACH: 'ConnectionFailed',
  ENETUNREACH: 'ConnectionFailed',
  ENETDOWN: 'ConnectionFailed',
  ENOTFOUND: 'ConnectionFailed',
  EAI_AGAIN: 'ConnectionFailed',
  EPIPE: 'ConnectionFailed',
  UND_ERR_SOCKET: 'ConnectionFailed',
  UND_ERR_CONNECT_TIMEOUT: 'ConnectionFailed',
  UND_ERR_HEADERS_TIMEOUT: 'ConnectionFailed',
  UND_ERR_BODY_TIMEOUT: 'ConnectionFailed',
  ERR_FS_FILE_TOO_LARGE: 'InvalidInput',
  ERR_STRING_TOO_LONG: 'InvalidInput',
};

/** Error of Node for a value that it does not take, with the path in its message. */
const withNulByte = 'ERR_INVALID_ARG_VALUE';

/** Links of causes that are followed: a chain may lead back to itself. */
const deepestCause = 10;

/** What Node tells of an error of the operating system. */
interface SystemError extends Error {
  readonly code: string;
  readonly path?: unknown;
  readonly dest?: unknown;
  readonly syscall?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly hostname?: unknown;
}

/**
 * An error of a file, a disk, the memory or the network, in words, wherever it stands in a chain of causes.
 *
 * @returns the error itself where it is a ContrailError; null for one of no such kind
 */
export function explained(error: unknown): ContrailError | null {
  for (const each of chainOf(error)) {
    if (isContrailError(each)) return each;
    const code = codeOf(each);
    if (code) return new ContrailError(code, messageOf(code, each as SystemError), { cause: error });
  }
  return null;
}

/** An error as a process tells it to the one that started it: in words, as a failure of the process where it is of no known kind. */
export function failureOf(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  const known = explained(error);
  if (known) return { code: known.code, message: known.message };
  return { code: 'TrainerCrashed', message: error instanceof Error ? error.message : String(error) };
}

/** The error and what caused it, nearest first; of several at once each. */
function chainOf(error: unknown, depth = 0): unknown[] {
  if (depth === deepestCause || !(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? error.errors : [];
  return [error, ...[...inner, error.cause].flatMap((each) => chainOf(each, depth + 1))];
}

/** The system's code of an error, such as `ENOENT`; null where it has none. */
export const systemCodeOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;

/** Whether an error has one of these codes of the system's. Its causes are not looked at. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes(systemCodeOf(error) ?? '');

function codeOf(error: unknown): ErrorCode | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof RangeError && /allocation failed/i.test(error.message)) return 'OutOfMemory';
  const code = systemCodeOf(error);
  if (code === null) return null;
  if (code === withNulByte) return /null bytes/.test(error.message) ? 'InvalidInput' : null;
  // To connect may time out, and so may a share on the network.
  if (code === 'ETIMEDOUT' && 'syscall' in error && error.syscall === 'connect') return 'ConnectionFailed';
  return Object.hasOwn(codes, code) ? (codes[code] ?? null) : null;
}

function messageOf(code: ErrorCode, error: SystemError): string {
  const path = typeof error.path === 'string' ? shortened(error.path, longestPath) : null;
  const source = `${error.code ?? error.message}${typeof error.syscall === 'string' ? `, ${error.syscall}` : ''}`;
  return `${what(code, path, error)} (${source}). ${errorKind(code).remedy}`;
}

const longestPath = 300;

function what(code: ErrorCode, path: string | null, error: SystemError): string {
  const file = path ?? 'a file';
  switch (code) {
    case 'FileMissing':
      // Node says the same of a file system that can only be read.
      if (error.syscall === 'mkdir')
        return `The folder ${file} cannot be made: one above it is missing, or its file system is mounted read-only`;
      return path === null ? 'A file or folder is not there' : `There is no file or folder ${path}`;
    case 'FileExists':
      return `There is something at ${typeof error.dest === 'string' ? shortened(error.dest, longestPath) : file} already`;
    case 'NotAFolder':
      return `${path ?? 'A path'} is not a folder, or leads through a file`;
    case 'IsAFolder':
      return path === null ? 'A folder stands where a file should be' : `${path} is a folder, not a file`;
    case 'NotPermitted':
      return `This user is not permitted to use ${file}`;
    case 'ReadOnly':
      return `${path ?? 'The file system'} can only be read: its file system is mounted read-only`;
    case 'NameTooLong':
      return `The name ${path ?? 'of a file'} is too long for its file system`;
    case 'LinkLoop':
      return `The link ${path ?? ''} leads back to itself`.replace('  ', ' ');
    case 'NotSupported':
      return `The file system of ${file} cannot do this`;
    case 'DiskFull':
      return path === null ? 'No space is left on the disk' : `No space is left on the disk of ${path}`;
    case 'TooManyOpenFiles':
      return `Too many files are open${path === null ? '' : ` to open ${path}`}`;
    case 'StorageUnavailable':
      return `The disk or share of ${file} does not answer as it should`;
    case 'OutOfMemory':
      return 'There is not enough memory';
    case 'ConnectionFailed':
      return `The connection${otherSide(error)} failed`;
    default:
      return `${path ?? 'A path or file'} cannot be used: ${firstLine(error.message)}`;
  }
}

function otherSide({ hostname, address, port }: SystemError): string {
  const host = [hostname, address].find((each) => typeof each === 'string');
  return host === undefined ? '' : ` to ${host}${port === undefined ? '' : `:${port}`}`;
}

const firstLine = (text: string) => text.split('\n')[0] ?? '';
