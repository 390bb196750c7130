import { createLogUpdate } from 'log-update';
import { count } from '../contracts/counted.ts';
import { formatSeconds, forTerminal, isInteractive, say } from './output.ts';

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
export function showRowProgress(now: () => number = Date.now): {
  readonly tell: (progress: RowProgress) => void;
  readonly end: () => void;
} {
  const drawn = isInteractive() ? createLogUpdate(process.stderr) : null;
  let phase = { name: '', at: 0, done: 0 };
  let said = now();
  return {
    tell: (progress) => {
      if (progress.phase !== phase.name) phase = { name: progress.phase, at: now(), done: progress.done };
      const text = progressText(progress, (now() - phase.at) / 1000, progress.done - phase.done);
      if (drawn) drawn(forTerminal(text));
      else if (now() - said >= linesEveryMs) {
        said = now();
        say(text);
      }
    },
    end: () => drawn?.clear(),
  };
}

function progressText({ phase, done, total }: RowProgress, seconds: number, moved: number): string {
  const far = `${phase}: ${count(done)} of ${count(total)} images`;
  if (seconds * 1000 < rateAfterMs || moved <= 0) return far;
  const rate = moved / seconds;
  return `${far}, ${count(rate)} images/s, ${formatSeconds((total - done) / rate)} left`;
}
