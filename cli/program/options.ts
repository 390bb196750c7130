import { InvalidArgumentError, Option } from 'commander';
import { collectParam } from '../pipeline-file.ts';

/** How a command's promise of an exit code is passed on. */
export type Finish = (work: Promise<number>) => Promise<void>;

export const jsonOption = () => new Option('--json', 'machine-readable output').default(false);

export const setOption = () =>
  new Option('--set <name=value>', 'replace the default of a param; may be repeated')
    .argParser(collectParam)
    .default({}, 'none');

/** A whole number of at most five digits. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** A number from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}
