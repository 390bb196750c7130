import Table from 'cli-table3';
import pc from 'picocolors';

/** Whether progress may redraw itself: only where a person watches. */
export const isInteractive = (): boolean => process.stderr.isTTY === true && process.env.CI === undefined;

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** What a command is for: its result, on standard output. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

export const printJson = (value: unknown): void => print(JSON.stringify(value));

/** A table without more lines than it needs; columns of numbers are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const isNumeric = (column: number) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number');
  const drawn = new Table({
    colAligns: head.map((_, column) => (isNumeric(column) ? 'right' : 'left')),
    head: head.map((cell) => pc.bold(cell)),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 1 },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: ' ',
    },
  });
  drawn.push(...rows.map((row) => row.map(String)));
  return drawn.toString();
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

export const formatBytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
