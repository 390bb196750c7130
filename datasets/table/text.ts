import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { ContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { tableLimits } from './limits.ts';

const newline = 0x0a;
const pieceBytes = 2 ** 20;

/**
 * The text of a table, in pieces of whole lines, each of which ends in `\n`, whatever system wrote them. A byte order mark is left
 * out.
 *
 * @throws ContrailError InvalidDataset for what is not UTF-8, and for a line without an end
 */
export async function* textOf({
  path,
  name,
}: {
  readonly path: string;
  readonly name: string;
}): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 1;
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) {
    const bytes = Buffer.concat([rest, piece as Buffer]);
    if (line === 1) refuseUtf16(bytes, name);
    const end = bytes.lastIndexOf(newline) + 1;
    rest = bytes.subarray(end);
    if (rest.length > tableLimits.rowBytes)
      throw new ContrailError(
        'InvalidDataset',
        `${name}:${line + linesOf(bytes.subarray(0, end))}: the line is longer than ${formatBytes(tableLimits.rowBytes)}.`,
      );
    if (end > 0) yield decoded(bytes.subarray(0, end), line, name);
    line += linesOf(bytes.subarray(0, end));
  }
  if (line === 1) refuseUtf16(rest, name);
  if (rest.length > 0) yield `${decoded(rest, line, name)}\n`;
}

function decoded(bytes: Buffer, line: number, name: string): string {
  // Only at the beginning of the file is it a mark.
  if (isUtf8(bytes)) return new TextDecoder('utf-8', { ignoreBOM: line > 1 }).decode(bytes).replaceAll(/\r\n?/g, '\n');
  throw new ContrailError(
    'InvalidDataset',
    `${name}:${line + linesBeforeDamage(bytes)}: the line is not in UTF-8. Save the table in UTF-8.`,
  );
}

function linesBeforeDamage(bytes: Buffer): number {
  let lines = 0;
  for (let at = 0; at < bytes.length; lines++) {
    const end = bytes.indexOf(newline, at) + 1 || bytes.length;
    if (!isUtf8(bytes.subarray(at, end))) break;
    at = end;
  }
  return lines;
}

function refuseUtf16(bytes: Buffer, name: string): void {
  const mark = bytes.subarray(0, 2).toString('latin1');
  if (mark === '\xff\xfe' || mark === '\xfe\xff')
    throw new ContrailError('InvalidDataset', `${name} is in UTF-16. Save the table in UTF-8.`);
}

function linesOf(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines++;
  return lines;
}
