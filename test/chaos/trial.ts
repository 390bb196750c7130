import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { artifactsIn, loadStepResults } from '../../store/index.ts';
import type { Draw } from './draw.ts';
import { drawFault } from './faults/index.ts';
import { trainingsOf, watchProgress } from './progress.ts';
import { type End, endOf, start } from './run.ts';
import type { Workload } from './workloads/index.ts';
import type { World } from './world.ts';

/** One thing that was done to a run. */
export interface Struck {
  readonly fault: string;
  readonly what: string;
}

/** What became of a run that things were done to. */
export interface TrialResult {
  readonly run: string;
  readonly workload: string;
  readonly struck: readonly Struck[];
  /** Errors that it stopped with, each of which said what to do, and after which it was resumed. */
  readonly stops: readonly string[];
  /** What was lost, one sentence each; empty where all is as it must be. */
  readonly lost: readonly string[];
  readonly seconds: number;
}

/** After these many stops a run is given up. */
const mostStops = 12;
/** A run that has not ended so long after the last thing that was done to it hangs. */
const patienceMs = 8 * 60_000;
/** Draws of faults of which none could happen just then. */
const mostDraws = 40;

/**
 * Starts a run, does things to it one after the other until it has ended or `most` were done, and looks at what came of it.
 *
 * @param reference what the workload comes to when nothing happens
 * @param damaged checkpoints that were spoilt on purpose are added to it
 */
export async function trial(
  world: World,
  workload: Workload,
  {
    run,
    draw,
    most,
    reference,
    damaged,
  }: {
    readonly run: string;
    readonly draw: Draw;
    readonly most: number;
    readonly reference: unknown;
    readonly damaged: Set<string>;
  },
): Promise<TrialResult> {
  const since = performance.now();
  const struck: Struck[] = [];
  const stops: string[] = [];
  const text = await workload.pipeline(world);
  await workload.clear?.(world);
  await start(world, run, text, false);
  const watch = watchProgress(world, run, (step) => [...damaged].some((each) => each.startsWith(`${run}/${step}/`)));
  const lost: string[] = [];
  for (;;) {
    const end = endOf(world, run);
    let hasEnded = false;
    void end.then(() => {
      hasEnded = true;
    });
    for (let at = struck.length, draws = 0; !hasEnded && struck.length < most && draws < mostDraws; draws++) {
      const own = draw.of(at).of(draws);
      await sleep(own.between('moment', 100, 2500));
      if (hasEnded) break;
      const trainings = await trainingsOf(world, run).catch(() => []);
      const fault = drawFault(own, new Set([world.kind, ...(trainings.length > 0 ? (['training'] as const) : [])]));
      const what = await fault.strike({ world, run, trainings, draw: own, damaged });
      if (what === null) continue;
      struck.push({ fault: fault.name, what });
      process.stderr.write(`${run}: ${fault.name} (${what})\n`);
      at++;
      draws = 0;
    }
    const ended = await within(end, patienceMs);
    if (ended === null) {
      lost.push(`it had not ended ${patienceMs / 60_000} minutes after the last fault`);
      break;
    }
    if (ended.is === 'complete') {
      const outcome = workload.outcome(ended.results);
      if (!isDeepStrictEqual(outcome, reference))
        lost.push(`it came to ${JSON.stringify(outcome)}, and undisturbed to ${JSON.stringify(reference)}`);
      break;
    }
    const { code, message } = ended;
    stops.push(`${code}: ${message}`);
    process.stderr.write(`${run}: stopped with ${code}: ${message}\n`);
    if (code === null) lost.push(`it stopped with an error that is none of ours: ${message}`);
    if (stops.length > mostStops) {
      lost.push(`it stopped ${stops.length} times`);
      break;
    }
    await resume(world, run, text, ended);
  }
  await watch.stop();
  lost.push(...watch.losses);
  return { run, workload: workload.name, struck, stops, lost, seconds: (performance.now() - since) / 1000 };
}

/** Does what the error says, and resumes the run. */
async function resume(world: World, run: string, text: string, end: Extract<End, { is: 'failed' }>): Promise<void> {
  const [, kind, digest] = /artifacts\/([a-z-]+)\/([0-9a-f]{64})/.exec(end.message) ?? [];
  if (end.code !== 'CorruptArtifact' || kind === undefined || digest === undefined)
    return start(world, run, text, true);
  for (const { path } of await world.store.list(`artifacts/${kind}/${digest}`)) await world.store.remove(path);
  const results = await loadStepResults(world.store, run);
  const maker = Object.entries(results).find(([, { result }]) =>
    artifactsIn(result).some((ref) => ref.digest === digest),
  );
  await start(world, run, text, true, maker ? { redo: [maker[0]] } : {});
}

async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const over = new AbortController();
  try {
    return await Promise.race([work, sleep(ms, null, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
