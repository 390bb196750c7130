import { textOfCell } from './cell.ts';
import { tableLimits } from './limits.ts';

/**
 * A label, a group or a category, in the one Unicode form of it.
 *
 * @param what it is, for the message
 * @returns `problem`: why it is none, to be said after the name of the image
 */
export function nameOfCell(cell: unknown, what: string): { readonly text: string } | { readonly problem: string } {
  const read = textOfCell(cell);
  if ('problem' in read) return { problem: `has a ${what} that ${read.problem}` };
  if (read.text.length > tableLimits.nameCharacters)
    return { problem: `has a ${what} of more than ${tableLimits.nameCharacters} characters` };
  return { text: read.text.normalize('NFC') };
}

/** A label; it may not be empty. */
export function labelOfCell(cell: unknown): { readonly text: string } | { readonly problem: string } {
  const label = nameOfCell(cell, 'label');
  return 'text' in label && label.text === '' ? { problem: 'has no label' } : label;
}
