import { loadPlan, loadRunRecord, type Store } from '../../store/index.ts';

/** What the store says of runs, kept in memory: it does not change while they are under way. */
export interface RunFacts {
  /** The pipeline of a run; `unknown` where the store does not say. Never throws. */
  readonly pipelineOf: (run: string) => Promise<string>;
  /** The task queues that steps of a run are for; none where the store does not say. Never throws. */
  readonly queuesOf: (run: string) => Promise<readonly string[]>;
}

/** So many runs are remembered. */
const mostRuns = 2000;

/** @param onUnreadable is told each time that the store cannot be read, or does not know a run that is under way */
export function factsOfRuns(store: Store, onUnreadable: () => void): RunFacts {
  const remember = <T>(load: (run: string) => Promise<T | null>, otherwise: T) => {
    const known = new Map<string, Promise<T>>();
    return (run: string): Promise<T> => {
      const found = known.get(run);
      if (found) return found;
      const [oldest] = known.keys();
      if (known.size >= mostRuns && oldest !== undefined) known.delete(oldest);
      const loading = load(run)
        .then((facts) => {
          if (facts !== null) return facts;
          throw new Error('the store does not say');
        })
        .catch(() => {
          onUnreadable();
          // It may be there the next time.
          known.delete(run);
          return otherwise;
        });
      known.set(run, loading);
      return loading;
    };
  };
  return {
    pipelineOf: remember(
      async (run) => ((await loadRunRecord(store, run)) ?? (await loadPlan(store, run).then(named)))?.pipeline ?? null,
      'unknown',
    ),
    queuesOf: remember(async (run) => {
      const plan = await loadPlan(store, run);
      return plan && [...new Set(plan.steps.map(({ queue }) => queue))];
    }, []),
  };
}

const named = (plan: { readonly name: string } | null) => (plan ? { pipeline: plan.name } : null);
