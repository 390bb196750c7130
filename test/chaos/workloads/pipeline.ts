import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { artifactRefSchema } from '../../../contracts/artifacts.ts';
import { makersOf } from '../../../store/makers.ts';
import { resumeByCommand } from '../afterwards.ts';
import { drawFault } from '../faults/index.ts';
import { trainingsOf, watchProgress } from '../progress.ts';
import { completeRun, endOf, type Results, start } from '../run.ts';
import type { World } from '../world.ts';
import type { Struck, TrialOptions, TrialResult, Workload } from './workload.ts';

/** A pipeline that things go wrong under. */
export interface DisturbedPipeline {
  readonly name: string;
  /** Once for each world. */
  readonly prepare?: (world: World) => Promise<void>;
  /** Before each run, so that it finds nothing done that it is to do. */
  readonly clear?: (world: World) => Promise<void>;
  readonly pipeline: (world: World) => Promise<string>;
  /** Of the results of a run, what must be the same however it came to them. */
  readonly outcome: (results: Results) => unknown;
}

/** A pipeline as a workload: its runs are disturbed. */
export const pipelineWorkload = (pipeline: DisturbedPipeline): Workload => ({
  name: pipeline.name,
  reference: async (world) => {
    await pipeline.prepare?.(world);
    const run = `undisturbed-${pipeline.name}`;
    return pipeline.outcome(await completeRun(world, run, await pipeline.pipeline(world)));
  },
  trial: (world, options) => trial(world, pipeline, options),
});

/** After these many stops a run is given up. */
const mostStops = 12;
/** A run that has not ended so long after the last thing that was done to it hangs. */
const patienceMs = 8 * 60_000;
/** What Node says of a mistake in the code. */
const unexplained = /Cannot read propert|is not a function|is not iterable|\[object |\bundefined\b/;
/** Draws of faults of which none could happen just then. */
const mostDraws = 40;

/** Starts a run, does things to it one after the other until it has ended or enough were done, and looks at what came of it. */
async function trial(
  world: World,
  { name, clear, pipeline, outcome: outcomeOf }: DisturbedPipeline,
  { run, draw, most, reference, damaged }: TrialOptions,
): Promise<TrialResult> {
  const since = performance.now();
  const struck: Struck[] = [];
  const stops: string[] = [];
  const text = await pipeline(world);
  await clear?.(world);
  await start(world, run, text, false);
  const watch = watchProgress(world, run, (step) =>
    [...damaged].some((each) => each.startsWith(`runs/${run}/steps/${step}/checkpoints/`)),
  );
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
      const outcome = outcomeOf(ended.results);
      if (!isDeepStrictEqual(outcome, reference))
        lost.push(`it came to ${JSON.stringify(outcome)}, and undisturbed to ${JSON.stringify(reference)}`);
      break;
    }
    const { code, message } = ended;
    stops.push(`${code}: ${message}`);
    process.stderr.write(`${run}: stopped with ${code}: ${message}\n`);
    if (code === null || unexplained.test(message))
      lost.push(`it stopped with an error that is none of ours: ${message}`);
    if (stops.length > mostStops) {
      lost.push(`it stopped ${stops.length} times`);
      break;
    }
    // Whatever it stopped with, the errors of files and disks say to resume it; where that does not help, the run that made the file.
    const isAgain = stops.indexOf(`${code}: ${message}`) < stops.length - 1;
    const maker = isAgain ? await otherMakerOf(world, run, message) : null;
    if (maker !== null) await resumeByCommand(world, maker);
    await start(world, run, text, true);
  }
  await watch.stop();
  lost.push(...watch.losses);
  return { run, workload: name, struck, stops, lost, seconds: (performance.now() - since) / 1000 };
}

/** The run that made the artifact that a message is about; null where that is this run, or it is about none. */
async function otherMakerOf({ store }: World, run: string, message: string): Promise<string | null> {
  const [, kind, digest] = /artifacts\/([a-z-]+)\/([0-9a-f]{64})/.exec(message) ?? [];
  const ref = artifactRefSchema.safeParse({ kind, digest });
  if (!ref.success) return null;
  const [maker] = (await makersOf(store, [ref.data])).values();
  return maker && maker.run !== run ? maker.run : null;
}

async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const over = new AbortController();
  try {
    return await Promise.race([work, sleep(ms, null, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
