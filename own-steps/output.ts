import type { Readable } from 'node:stream';
import { formatBytes } from '../contracts/limits.ts';
import { createLineReader } from '../contracts/lines.ts';
import type { Secrets } from './secrets.ts';

/** A longer line is cut. */
const lineCharacters = 2000;
/** Of a line so much is looked at; what it is cut to must hold no beginning of a secret. */
const readCharacters = 256 * 1024;
/** What a program prints beyond this is not kept. */
const keptLines = 5000;
const keptCharacters = 1024 * 1024;
/** The last ones go into the message of a failure. */
const lastLines = 20;

/** What a program prints, line by line, within bounds and without secrets. */
export interface Output {
  readonly read: (stream: Readable) => void;
  readonly last: () => readonly string[];
}

export function createOutput(secrets: Secrets, say: (line: string) => void): Output {
  let lines = 0;
  let characters = 0;
  const last: string[] = [];
  const keep = (raw: string) => {
    const whole = raw.length < readCharacters ? raw : raw.slice(0, readCharacters - secrets.longest);
    const line = secrets.hide(whole.replace(/\r$/, '')).slice(0, lineCharacters);
    if (line.trim() === '') return;
    last.push(line);
    if (last.length > lastLines) last.shift();
    lines++;
    characters += line.length;
    const isLast = lines === keptLines || (characters >= keptCharacters && characters - line.length < keptCharacters);
    if (lines <= keptLines && characters - line.length < keptCharacters) say(line);
    if (isLast) say(`(more is not kept: ${keptLines} lines or ${formatBytes(keptCharacters)} of one attempt are)`);
  };
  return {
    read: (stream) => {
      const { write, end } = createLineReader(readCharacters, keep);
      stream.setEncoding('utf8').on('data', write);
      stream.on('end', end);
      stream.on('close', end);
      stream.on('error', end);
    },
    last: () => last,
  };
}
