import { visible } from './visible-text.ts';

/** Text of a stranger inside a line of Markdown: nothing in it is markup, an entity or HTML, and it stays on its line. */
export const markdownText = (text: string): string =>
  visible(text.replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ')).replaceAll(/[\\`*_~[\]<>&|$]/g, '\\$&');

/** The same at the beginning of a line or of an entry of a list, where more characters begin something. */
export const markdownLine = (text: string): string =>
  markdownText(text)
    .replace(/^(\s*)([#+=-])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/, '$1\\$2');
