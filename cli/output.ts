import pc from 'picocolors';
import { displayWidth, graphemesOf } from '../contracts/display-width.ts';
import { visible, visibleJson, visibleLines } from '../contracts/visible-text.ts';

/** Whether progress may redraw itself: only where a person watches. */
export const isInteractive = (): boolean => process.stderr.isTTY === true && process.env.CI === undefined;

/** The colours that we set ourselves, where the terminal has any. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const ownColours = /(\x1b\[(?:0|1|2|22|3[1-6]|39)m)/;

/**
 * Text as a terminal may have it: our own colours and line breaks work, and every other character that would act is shown
 * (`\x1b`, `\u202e`). Everything that is printed goes through it, whoever wrote it: class names, messages, reasons.
 */
export const forTerminal = (text: string): string =>
  pc.isColorSupported
    ? text
        .split(ownColours)
        .map((part, at) => (at % 2 === 1 ? part : visibleLines(part)))
        .join('')
    : visibleLines(text);

export const say = (line: string): void => void process.stderr.write(`${forTerminal(line)}\n`);

/** What a command is for: its result, on standard output. */
export const print = (text: string): void => void process.stdout.write(`${forTerminal(text)}\n`);

export const printJson = (value: unknown): void => void process.stdout.write(`${visibleJson(JSON.stringify(value))}\n`);

/** Columns of the terminal that results are printed to; undefined where they go elsewhere, and nothing is fitted to anything. */
export const terminalWidth = (): number | undefined => (process.stdout.isTTY ? process.stdout.columns : undefined);

/** A name on one line, its middle left out where it would take more columns of a terminal than `most`. */
export function shorten(name: string, most: number): string {
  const text = visible(name);
  if (displayWidth(text) <= most) return text;
  const parts = graphemesOf(text);
  /** As many from the beginning as have room. */
  const fitting = (from: readonly string[], room: number) => {
    let used = 0;
    const end = from.findIndex((part) => {
      used += displayWidth(part);
      return used > room;
    });
    return end < 0 ? [...from] : from.slice(0, end);
  };
  const head = fitting(parts, Math.ceil((most - 1) / 2));
  const tail = fitting(parts.toReversed(), Math.floor((most - 1) / 2)).toReversed();
  const joined = () => `${head.join('')}…${tail.join('')}`;
  // Parts that join take other room than alone.
  while (displayWidth(joined()) > most && (head.pop() ?? tail.shift()) !== undefined);
  return joined();
}

/** Names shortened so that no two that differ look alike: those that would, carry their number. */
export function distinct(names: readonly string[], most: number): string[] {
  const short = names.map((name) => shorten(name, most));
  const uses = new Map<string, number>();
  for (const name of short) uses.set(name, (uses.get(name) ?? 0) + 1);
  return short.map((name, at) => {
    if (uses.get(name) === 1) return name;
    const number = `#${at}`;
    return `${shorten(names[at] ?? '', Math.max(3, most - number.length))}${number}`;
  });
}

const stateColours: Readonly<Record<string, (text: string) => string>> = {
  done: pc.green,
  running: pc.cyan,
  failed: pc.red,
  cancelled: pc.yellow,
  paused: pc.magenta,
};

export const coloured = (state: string, text = state): string => (stateColours[state] ?? pc.dim)(text);

/** 12 s, 3 min 5 s, 2 h 10 min. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
