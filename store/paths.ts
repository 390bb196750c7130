import { ContrailError } from '../contracts/errors.ts';

/** Endings of files that are being written; listings leave them out. */
export const temporaryMark = '.tmp-';

/**
 * Checks that a path stays inside the store.
 *
 * @throws ContrailError InvalidInput for an absolute path, an empty name, `.` or `..`, a backslash or a control character
 */
export function checkedPath(path: string): string {
  const safe =
    path !== '' && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && isPlain(name));
  if (!safe) throw new ContrailError('InvalidInput', `${JSON.stringify(path)} is not a path inside the store.`);
  return path;
}

const isPlain = (name: string) =>
  ![...name].some((character) => character < ' ' || character === '\\' || character === '\u007f');
