import { comparePoints, openCheckpoints, parseCheckpointName } from '../../store/index.ts';
import type { World } from './world.ts';

/** Trainings of a run that have a checkpoint. */
export async function trainingsOf({ store }: World, run: string): Promise<string[]> {
  const steps = await store.folders(`runs/${run}/steps`);
  const found = await Promise.all(
    steps.map(async (step) =>
      (await store.folders(`runs/${run}/steps/${step}/checkpoints`)).length > 0 ? [step] : [],
    ),
  );
  return found.flat();
}

/** Watches what was committed, so that nothing of it disappears unseen. */
export interface Watch {
  readonly stop: () => Promise<void>;
  /** What went back, one sentence each. */
  readonly losses: readonly string[];
}

interface Point {
  readonly epoch: number;
  readonly step: number;
}

/** @param isDamaged whether a training had checkpoints spoilt on purpose, after which it may go back */
export function watchProgress(world: World, run: string, isDamaged: (training: string) => boolean): Watch {
  const newest = new Map<string, Point>();
  const losses: string[] = [];
  let isOver = false;
  const look = async () => {
    for (const step of await trainingsOf(world, run)) {
      const names = (await openCheckpoints(world.store, { run, step }).list()).map(({ name }) => name);
      const points = names.flatMap((name) => parseCheckpointName(name) ?? []);
      const now = points.sort(comparePoints).at(-1);
      const before = newest.get(step);
      if (isDamaged(step)) newest.delete(step);
      else if (before && (!now || comparePoints(now, before) < 0))
        losses.push(
          `${step}: epoch ${before.epoch}, step ${before.step} was committed, and then the newest was ${now ? `epoch ${now.epoch}, step ${now.step}` : 'none'}`,
        );
      else if (now) newest.set(step, now);
    }
  };
  const watching = (async () => {
    while (!isOver) {
      // A folder may be removed, and a server be away, while it is listed.
      await look().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, world.kind === 's3' ? 1500 : 300));
    }
  })();
  return {
    losses,
    stop: async () => {
      isOver = true;
      await watching;
    },
  };
}
