import { createLogUpdate } from 'log-update';
import { count } from '../contracts/counted.ts';
import { formatBytes } from '../contracts/limits.ts';
import { formatSeconds, forTerminal, isInteractive, say } from './output.ts';

/** What work is counted in. */
interface Unit {
  readonly text: (number: number) => string;
  /** What stands behind a total; empty where the text says it. */
  readonly name: string;
}

const inImages: Unit = { text: count, name: ' images' };
export const inBytes: Unit = { text: formatBytes, name: '' };

/** How far some work on many rows is. */
export interface RowProgress {
  /** As in "Building the graph". */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** A line is written so often where no terminal can redraw it. */
const linesEveryMs = 10_000;
/** What has just begun says nothing about its rate. */
const rateAfterMs = 2000;

/** Shows how far work is, with its rate and what remains. @returns what takes the progress, and what ends the showing */
export function showRowProgress(unit: Unit = inImages): {
  readonly tell: (progress: RowProgress) => void;
  readonly end: () => void;
} {
  const drawn = isInteractive() ? createLogUpdate(process.stderr) : null;
  let phase = { name: '', at: 0, done: 0 };
  let said = Date.now();
  return {
    tell: (progress) => {
      if (progress.phase !== phase.name) phase = { name: progress.phase, at: Date.now(), done: progress.done };
      const text = progressText(progress, (Date.now() - phase.at) / 1000, progress.done - phase.done, unit);
      if (drawn) drawn(forTerminal(text));
      else if (Date.now() - said >= linesEveryMs) {
        said = Date.now();
        say(text);
      }
    },
    end: () => drawn?.clear(),
  };
}

function progressText(
  { phase, done, total }: RowProgress,
  seconds: number,
  moved: number,
  { text, name }: Unit,
): string {
  const far = `${phase}: ${text(done)} of ${text(total)}${name}`;
  if (seconds * 1000 < rateAfterMs || moved <= 0) return far;
  const rate = moved / seconds;
  return `${far}, ${text(rate)}${name}/s, ${formatSeconds((total - done) / rate)} left`;
}
