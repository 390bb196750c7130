import { ContrailError } from '../contracts/errors.ts';
import { editDistance } from '../pipelines/language/problems/nearest.ts';
import { listFolders, type Store } from '../store/index.ts';

/** What a user is told of a run that is nowhere: with the one that was meant, where one is called nearly so. */
export async function unknownRun(store: Store, run: string): Promise<ContrailError> {
  const meant = nearestRun(run, await listFolders(store, 'runs'));
  const question = meant === null ? '' : ` Did you mean ${meant}?`;
  return new ContrailError(
    'RunNotFound',
    `There is no run ${run}.${question} \`contrail list\` shows the runs; CONTRAIL_HOME says which store is looked into.`,
  );
}

/** The newest run whose id begins so, else the one that is written nearly so; ids end with the time of their start. */
export function nearestRun(word: string, runs: readonly string[]): string | null {
  const beginning = runs.filter((run) => run.startsWith(word)).sort();
  if (beginning.length > 0) return beginning.at(-1) ?? null;
  const nearby = Math.max(1, Math.floor(word.length / 6));
  const [nearest] = runs
    .filter((run) => Math.abs(run.length - word.length) <= nearby)
    .map((run) => ({ run, distance: editDistance(word.toLowerCase(), run.toLowerCase()) }))
    .filter(({ distance }) => distance <= nearby)
    .sort((a, b) => a.distance - b.distance || (a.run < b.run ? 1 : -1));
  return nearest?.run ?? null;
}
