import wrapAnsi from 'wrap-ansi';
import { visible } from '../contracts/visible-text.ts';
import { terminalWidth } from './output.ts';

/** Columns of a terminal that text fits into. */
export const columns = 80;

/** A text of any length, in lines that begin with `indent`. @param width columns that they have */
export const wrapped = (text: string, indent = '', width = columns): string =>
  wrapAnsi(visible(text), width - indent.length, { hard: true })
    .split('\n')
    .map((line) => `${indent}${line}`)
    .join('\n');

/**
 * A text in lines that a terminal breaks between words, the second and later ones with `indent`, the first with the spaces that it
 * has; one line where nobody watches.
 */
export function forReading(text: string, indent = '  ', width = terminalWidth()): string {
  if (width === undefined) return visible(text);
  const lead = /^ */.exec(text)?.[0] ?? '';
  const [first = '', ...rest] = wrapped(text.slice(lead.length), lead, width).split('\n');
  if (rest.length === 0) return first;
  return `${first}\n${wrapped(rest.map((line) => line.trim()).join(' '), indent, width)}`;
}
