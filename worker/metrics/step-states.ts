import type { PipelineStatus } from '../../contracts/status.ts';
import { writtenStep } from './step-metrics.ts';

interface OpenRun {
  readonly run: string;
  readonly pipeline: string;
}

/** How many steps are in a state, all runs of a pipeline and all steps of a matrix taken together. */
export interface StepCount {
  readonly pipeline: string;
  readonly step: string;
  readonly state: string;
  readonly count: number;
}

/** In what states the steps of open runs are, as far as it was asked. */
export interface StepStates {
  /**
   * Forgets the runs that are no longer open, and asks a few of the others: those that were asked longest ago.
   *
   * @param ask gives null where a run does not answer: nothing is known of it then
   */
  readonly look: (runs: readonly OpenRun[], ask: (run: string) => Promise<PipelineStatus | null>) => Promise<void>;
  readonly counts: () => readonly StepCount[];
}

/** A question has a worker look at the run, so of many runs a few are asked at a time, and a few at each look. */
const atOnce = 5;

/**
 * @param mostAsked runs at each look
 * @param mostSeries of counts; a pipeline of thousands of steps is left out beyond
 */
export function createStepStates({ mostAsked = 20, mostSeries = 2000 } = {}): StepStates {
  /** In the order in which they were asked, the latest last. */
  const known = new Map<string, { readonly pipeline: string; readonly steps: PipelineStatus['steps'] }>();
  const askOne = async ({ run, pipeline }: OpenRun, ask: (run: string) => Promise<PipelineStatus | null>) => {
    const status = await ask(run);
    known.delete(run);
    known.set(run, { pipeline, steps: status?.steps ?? [] });
  };
  return {
    look: async (runs, ask) => {
      const open = new Map(runs.map((each) => [each.run, each]));
      for (const run of known.keys()) if (!open.has(run)) known.delete(run);
      const fresh = runs.filter(({ run }) => !known.has(run));
      const asked = [...known.keys()].flatMap((run) => open.get(run) ?? []);
      const next = [...fresh, ...asked].slice(0, mostAsked);
      for (let at = 0; at < next.length; at += atOnce)
        await Promise.all(next.slice(at, at + atOnce).map((run) => askOne(run, ask)));
    },
    counts: () => {
      const counts = new Map<string, StepCount>();
      for (const { pipeline, steps } of known.values())
        for (const { id, state } of steps) {
          const step = writtenStep(id);
          const key = JSON.stringify([pipeline, step, state]);
          const before = counts.get(key);
          if (before || counts.size < mostSeries)
            counts.set(key, { pipeline, step, state, count: (before?.count ?? 0) + 1 });
        }
      return [...counts.values()];
    },
  };
}
