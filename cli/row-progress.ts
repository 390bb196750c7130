import { createLogUpdate } from 'log-update';
import { count } from '../contracts/counted.ts';
import { formatBytes } from '../contracts/limits.ts';
import { formatSeconds, forTerminal, isInteractive, say } from './output.ts';

/** What work is counted in. */
interface Unit {
  /** As in "3 images". */
  readonly named: (number: number) => string;
  /** As in "3 images/s". */
  readonly rate: (number: number) => string;
}

const images: Unit = { named: (number) => `${count(number)} images`, rate: (number) => `${count(number)} images/s` };
export const inBytes: Unit = { named: formatBytes, rate: (number) => `${formatBytes(number)}/s` };

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
export function showRowProgress(
  now: () => number = Date.now,
  unit: Unit = images,
): {
  readonly tell: (progress: RowProgress) => void;
  readonly end: () => void;
} {
  const drawn = isInteractive() ? createLogUpdate(process.stderr) : null;
  let phase = { name: '', at: 0, done: 0 };
  let said = now();
  return {
    tell: (progress) => {
      if (progress.phase !== phase.name) phase = { name: progress.phase, at: now(), done: progress.done };
      const text = progressText(progress, (now() - phase.at) / 1000, progress.done - phase.done, unit);
      if (drawn) drawn(forTerminal(text));
      else if (now() - said >= linesEveryMs) {
        said = now();
        say(text);
      }
    },
    end: () => drawn?.clear(),
  };
}

function progressText({ phase, done, total }: RowProgress, seconds: number, moved: number, unit: Unit): string {
  const far = `${phase}: ${unit === images ? count(done) : unit.named(done)} of ${unit.named(total)}`;
  if (seconds * 1000 < rateAfterMs || moved <= 0) return far;
  const rate = moved / seconds;
  return `${far}, ${unit.rate(rate)}, ${formatSeconds((total - done) / rate)} left`;
}
