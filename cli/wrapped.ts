import wrapAnsi from 'wrap-ansi';
import { visible } from '../contracts/visible-text.ts';

/** Columns of a terminal that text fits into. */
export const columns = 80;

/** A text of any length, in lines that begin with `indent`. */
export const wrapped = (text: string, indent = ''): string =>
  wrapAnsi(visible(text), columns - indent.length, { hard: true })
    .split('\n')
    .map((line) => `${indent}${line}`)
    .join('\n');
