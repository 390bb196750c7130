import { InvalidArgumentError, Option } from 'commander';
import { milliseconds } from '../../contracts/duration.ts';
import { durationSchema } from '../../contracts/plan.ts';
import { collectChange, collectParam } from '../given-params.ts';

/** How a command's promise of an exit code is passed on. */
export type Finish = (work: Promise<number>) => Promise<void>;

export const jsonOption = () => new Option('--json', 'machine-readable output').default(false);

export const openOption = () => new Option('--open', 'show it in the browser').default(false);

export const pageFolderOption = () => new Option('--to <folder>', 'write it there, not into the store');

export const replaceOption = () =>
  new Option('--replace', 'write over what --to names, where it is there').default(false);

export const setOption = () =>
  new Option('--set <name=value>', 'replace the default of a param; may be repeated')
    .argParser(collectParam)
    .default({}, 'none');

export const changeOption = () =>
  new Option('--set <path=value>', 'change a parameter of the one step that is named; may be repeated')
    .argParser(collectChange)
    .default({}, 'none');

/** A whole number of at most five digits. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0 to 99999.');
  return Number(text);
}

/** A whole number from 1 of at most five digits. */
export function countFromOne(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 to 99999.');
  return Number(text);
}

/** Names of an option that may be repeated. */
export const collectNames = (name: string, before: readonly string[]): string[] => [...before, name];

/** A TCP port; 0 is any that is free. */
export function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('It must be a port, from 0 to 65535.');
  return Number(text);
}

/** A number from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

/** The states of a run: as Temporal names them in small letters, and those that it has no name for. */
export const runStates = [
  'running',
  'paused',
  'completed',
  'failed',
  'canceled',
  'cancelled',
  'terminated',
  'timed_out',
  'not-on-server',
] as const;

/** A moment: so long ago, a day, or a date and time with its zone. */
export function since(text: string): Date {
  const ago = durationSchema.safeParse(text);
  const time = ago.success ? new Date(Date.now() - milliseconds(ago.data)) : moment(text);
  return time;
}

/** A day, or a moment with its time zone; a day begins in UTC. */
export function moment(text: string): Date {
  const isClear = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const time = new Date(text);
  if (!isClear || Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('It must be a day such as 2026-11-01, or a moment such as 2026-11-01T03:00:00Z.');
  return time;
}
