import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../native/programs.ts';
import {
  type Course,
  type Reached,
  ranking,
  type Search,
  sweepCourse,
} from '../../pipelines/language/interpret/sweep/course.ts';
import { withFolder } from '../folder.ts';
import { learningCurves } from './curves.ts';
import { over, search } from './search.ts';

const atOnce = 4;
const rungs = [1, 3, 9];
/** Ray decides by who arrives first, so one run says little. */
const runsOfRay = 3;
/** Long enough that what Ray itself takes for a result does not decide the order. */
const secondsOfEpoch = 0.1;

/**
 * Successive halving beside Ray Tune's ASHA on the same learning curves: 64 settings of a real training, each trained to its end once, so that both decide
 * by the same losses. Best loss that each ends with, and epochs that it takes.
 */
export async function benchBesideRay(python: string): Promise<object[]> {
  const { curves } = await learningCurves();
  const all = curves.flatMap((curve) => curve.at(-1) ?? []);
  const rows: object[] = [
    {
      search: 'every trial to its end',
      epochs: search.trials * search.epochs,
      'best loss': Math.min(...all),
      'trials of each rung': rungs.map(() => search.trials).join(' / '),
      winner: all.indexOf(Math.min(...all)),
    },
  ];
  for (const isAsynchronous of [false, true]) {
    const { course, reached } = follow(curves, isAsynchronous);
    const wanted = searchOf(isAsynchronous);
    const [winner = 0] = ranking(wanted, course, reached);
    const epochs = course.begun.reduce((sum, { rung }) => sum + (wanted.costs?.[rung] ?? 0), 0);
    const top = rungs.findLastIndex((_, rung) => reached(winner, rung) !== undefined);
    rows.push({
      search: `Contrail, ${isAsynchronous ? 'asynchronous' : 'synchronous'}`,
      epochs,
      'best loss': reached(winner, top)?.value,
      'trials of each rung': rungs
        .map((_, rung) => course.begun.filter((each) => each.rung === rung).length)
        .join(' / '),
      winner,
    });
  }
  for (let run = 0; run < runsOfRay; run++) {
    const trials = await rayTrials(python, curves);
    const best = trials.reduce((so, each) => (each.loss < so.loss ? each : so));
    rows.push({
      search: `Ray Tune ASHA, run ${run + 1}`,
      epochs: trials.reduce((sum, each) => sum + each.epochs, 0),
      'best loss': best.loss,
      'trials of each rung': rungs.map((rung) => trials.filter(({ epochs }) => epochs >= rung).length).join(' / '),
      winner: best.trial,
    });
  }
  return rows;
}

const searchOf = (isAsynchronous: boolean): Search => ({
  search: 'random',
  trials: search.trials,
  over,
  seed: 0,
  seeds: [0],
  goal: 'lowest',
  atOnce,
  rungs,
  factor: search.factor,
  isAsynchronous,
  costs: [1, 2, 6],
  budget: {},
});

/** Lets a search run on the curves, as many trials at a time as there are places, each epoch as long as any other. */
function follow(curves: readonly (readonly number[])[], isAsynchronous: boolean) {
  const wanted = searchOf(isAsynchronous);
  const known = new Map<string, Reached>();
  const reached = (trial: number, rung: number) => known.get(`${trial} ${rung}`);
  const ends = new Map<string, number>();
  let now = 0;
  let course: Course = sweepCourse(wanted, reached);
  while (!course.isOver) {
    const waiting = course.begun.filter(({ trial, rung }) => !reached(trial, rung));
    for (const { trial, rung } of waiting.slice(0, atOnce)) {
      const key = `${trial} ${rung}`;
      if (!ends.has(key)) ends.set(key, now + (wanted.costs?.[rung] ?? 0));
    }
    const endOf = ({ trial, rung }: { trial: number; rung: number }) => ends.get(`${trial} ${rung}`) ?? Infinity;
    const next = waiting.reduce((so, each) => (endOf(each) < endOf(so) ? each : so));
    now = endOf(next);
    const value = curves[next.trial]?.[(rungs[next.rung] ?? 1) - 1] ?? null;
    known.set(`${next.trial} ${next.rung}`, { value, seconds: 0, arrival: known.size + 1 });
    course = sweepCourse(wanted, reached);
  }
  return { course, reached };
}

interface RayTrial {
  readonly trial: number;
  readonly epochs: number;
  readonly loss: number;
}

const rayTrials = (python: string, curves: readonly (readonly number[])[]): Promise<RayTrial[]> =>
  withFolder(async (folder) => {
    const file = join(folder, 'curves.json');
    await writeFile(file, JSON.stringify(curves));
    const program = fileURLToPath(new URL('ray_asha.py', import.meta.url));
    const args = [program, file, String(search.factor), String(atOnce), String(secondsOfEpoch), folder];
    const said = await runProgram(python, args, { RAY_USAGE_STATS_ENABLED: '0' });
    return JSON.parse(said.trim().split('\n').at(-1) ?? '[]') as RayTrial[];
  });
