import { join } from 'node:path';
import { withFolder } from '../folder.ts';
import { interruptions } from '../temporal.ts';
import { cutOffBriefly, cutOffForLong, type Disturbance } from './disturbances.ts';
import { endOf } from './logged-process.ts';
import { type Course, runPipeline } from './runs.ts';
import { type Cluster, logNames, startCluster } from './start-cluster.ts';
import { checkStore } from './store-check.ts';
import { withUndoing } from './undoing.ts';
import { differences, digestsOf } from './watching.ts';

/**
 * Three workers in network namespaces of their own, without a folder in common, on Temporal's own server with PostgreSQL and an S3
 * store. The same training three times: undisturbed; with the worker that trains cut off in mid-epoch until it has given up, and the
 * server killed meanwhile; and with one cut off until another has taken over, while it still tries to write. Whether all end with the
 * same digests, and how long each part takes. Needs root on Linux, iproute2, PostgreSQL and Go.
 */
export async function benchCluster(): Promise<object[]> {
  return withUndoing(async (undoing) => {
    const interruption = interruptions();
    undoing.later('the handlers of signals', interruption.stopListening);
    const interrupted = new AbortController();
    interruption.arrived.catch((error: unknown) => interrupted.abort(error));
    return withFolder((folder) =>
      withUndoing(async (inFolder) => {
        try {
          return await measure(await startCluster({ folder, signal: interrupted.signal }, inFolder));
        } catch (error) {
          // The folder is gone when somebody reads this.
          if (!interrupted.signal.aborted) for (const name of logNames) sayEnd(join(folder, name));
          throw error;
        }
      }),
    );
  });
}

function sayEnd(log: string): void {
  try {
    process.stderr.write(`\n${log} ends with:\n${endOf(log, 30)}\n`);
  } catch {
    // It did not come to that.
  }
}

const runs: Readonly<Record<string, { readonly run: string; readonly disturb: Disturbance }>> = {
  undisturbed: { run: 'undisturbed', disturb: async () => () => ({}) },
  'cut off, server killed': { run: 'cut-off', disturb: cutOffForLong },
  'cut off briefly': { run: 'cut-off-briefly', disturb: cutOffBriefly },
};

/** One row for each thing that was measured, one column for each run. @throws Error when a digest is another one, or the store is damaged */
async function measure(cluster: Cluster): Promise<object[]> {
  const courses: Record<string, Course> = {};
  let expected: ReadonlyMap<string, string> | undefined;
  for (const [name, { run, disturb }] of Object.entries(runs)) {
    const course = await runPipeline(cluster, run, disturb);
    const digests = await digestsOf(cluster.store, run);
    expected ??= digests;
    const other = differences(expected, digests);
    if (other.length > 0) throw new Error(`${name}: not as in the undisturbed run: ${other.join(', ')}`);
    courses[name] = { ...course, 'digests as undisturbed': digests.size };
  }
  const whats = [...new Set(Object.values(courses).flatMap((course) => Object.keys(course)))];
  const row = (what: string, of: (course: Course) => unknown) => ({
    what,
    ...Object.fromEntries(Object.entries(courses).map(([name, course]) => [name, of(course)])),
  });
  const { manifests, orphans } = await checkStore();
  process.stderr.write(
    `cluster: the store is whole: ${manifests} artifacts and checkpoints; ${orphans} files that no manifest names\n`,
  );
  return whats.map((what) => row(what, (course) => course[what] ?? null));
}
