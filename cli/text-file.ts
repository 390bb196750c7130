import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ContrailError } from '../contracts/errors.ts';
import { explained } from '../contracts/system-errors.ts';

/** A pipeline is a few pages; what is larger is something else. */
const maximumTextBytes = 1024 * 1024;

/**
 * Reads a text that a person names: a file, or a pipe such as `/dev/stdin`.
 *
 * @throws ContrailError Usage that says why it cannot be read: missing, a folder, too large, or not UTF-8
 */
export function readTextFile(file: string, maximumBytes = maximumTextBytes): string {
  if (file === '') throw new ContrailError('Usage', 'The name of the file is empty.');
  try {
    return decode(file, readBytes(file, maximumBytes));
  } catch (cause) {
    const known = explained(cause);
    if (!known) throw cause;
    if (known.code === 'Usage') throw known;
    throw new ContrailError('Usage', `${file} cannot be read: ${known.message}`, { cause });
  }
}

function readBytes(file: string, maximumBytes: number): Uint8Array {
  const handle = openSync(file, 'r');
  try {
    if (fstatSync(handle).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR', path: file });
    // One byte more than is allowed tells a file that is too large, also where its size is not known beforehand.
    const bytes = Buffer.alloc(maximumBytes + 1);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < bytes.length; filled += read)
      read = readSync(handle, bytes, filled, bytes.length - filled, null);
    if (filled > maximumBytes)
      throw new ContrailError('Usage', `${file} is larger than ${maximumBytes} bytes. Name a pipeline file.`);
    return bytes.subarray(0, filled);
  } finally {
    closeSync(handle);
  }
}

function decode(file: string, bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw new ContrailError('Usage', `${file} is UTF-16 text. Save it as UTF-8.`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ContrailError('Usage', `${file} is not UTF-8 text. Save it as UTF-8, or name another file.`, { cause });
  }
}
