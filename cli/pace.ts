import type { TrainerProgress } from '../contracts/trainer.ts';

interface Sighting {
  readonly phase: string;
  readonly at: number;
  readonly done: number;
}

/**
 * How long a training's steps take, from watching it: there is nothing else to go by before the end of its first epoch.
 *
 * @returns of a step's progress, the seconds that one unit of it takes; null until it has been seen to move
 */
export function createPace(now: () => number = Date.now): (id: string, progress: TrainerProgress) => number | null {
  const first = new Map<string, Sighting>();
  return (id, { phase, done }) => {
    const seen = first.get(id);
    if (seen?.phase !== phase || seen.done > done) {
      first.set(id, { phase, at: now(), done });
      return null;
    }
    return done > seen.done ? (now() - seen.at) / 1000 / (done - seen.done) : null;
  };
}
