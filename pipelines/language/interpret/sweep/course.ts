import { canonicalJson } from '../../../../contracts/json.ts';
import type { PlannedSweep } from '../../../../contracts/plan.ts';
import { gridSetting, randomSetting, type Setting } from './space.ts';
import { type Observation, tpeSetting } from './tpe.ts';

/** What decides a sweep; `steps` of a plan's sweep say only how a trial is done. */
export type Search = Omit<PlannedSweep, 'steps' | 'perRung' | 'objective'>;

/** What a trial came to at a rung. */
export interface Reached {
  /** Null: it was lost. */
  readonly value: number | null;
  /** Of computing, since the rung before. */
  readonly seconds: number;
  /** Its place in the order of arrival, from 1; only where that decides. */
  readonly arrival?: number | undefined;
}

/** What became of a trial at a rung; undefined while it is on its way. */
export type ReachedOf = (trial: number, rung: number) => Reached | undefined;

export interface Course {
  /** The settings of every trial that was begun. */
  readonly settings: readonly Setting[];
  /** Every trial and rung that was begun, in this order. */
  readonly begun: readonly { readonly trial: number; readonly rung: number }[];
  /** All that was begun has arrived, and nothing else begins. */
  readonly isOver: boolean;
}

/**
 * What a sweep has begun by now, and whether it is over: a pure function of what its trials came to.
 *
 * C1. What was begun stays begun, whatever arrives later: the course of more results begins with that of fewer.
 * C2. Synchronous (successive halving; Jamieson and Talwalkar, arXiv:1502.07943): a rung is decided once all its trials have arrived, by
 *     their values alone, so neither the order of arrival nor who was killed on the way changes anything.
 * C3. Asynchronous (ASHA; Li et al., arXiv:1810.05934, algorithm 2): whenever a place is free, the best trial among the top
 *     1/factor of a rung's arrivals goes on, from the highest rung down, and where there is none a new trial begins. The order of
 *     arrival decides, which the trials have written down. Once all have arrived and none was trained to its end, the best goes on to
 *     it, as in the synchronous mode.
 * C4. A lost trial counts among its rung's arrivals and is never promoted.
 */
export function sweepCourse(search: Search, reachedOf: ReachedOf): Course {
  return search.isAsynchronous ? asynchronous(search, reachedOf) : synchronous(search, reachedOf);
}

/** How many trials of each rung there are, where none is lost. */
export function rungSizes(trials: number, rungs: number, factor: number): number[] {
  const sizes = [trials];
  while (sizes.length < rungs) sizes.push(promoted(sizes.at(-1) ?? 1, factor));
  return sizes;
}

/** The settings of trials as they are begun. */
function newSettings(search: Search) {
  const settings: Setting[] = [];
  const seen = new Set<string>();
  const next = (observed: readonly Observation[]) => {
    const trial = settings.length;
    if (search.search === 'grid') return gridSetting(search, trial);
    return search.search === 'tpe' ? tpeSetting(search, trial, observed, seen) : randomSetting(search, trial, seen);
  };
  const add = (observed: readonly Observation[]) => {
    const setting = next(observed);
    settings.push(setting);
    seen.add(canonicalJson(setting));
  };
  return { settings, add };
}

const promoted = (trials: number, factor: number) => Math.max(1, Math.floor(trials / factor));

const topRung = ({ rungs }: Search) => (rungs?.length ?? 1) - 1;

/** The best first; of equals the one that began first. Lost ones are left out. */
function best(
  { goal }: Search,
  trials: readonly number[],
  valueAt: (trial: number) => number | null | undefined,
): readonly number[] {
  const sign = goal === 'highest' ? -1 : 1;
  return trials
    .flatMap((trial) => {
      const value = valueAt(trial);
      return value === null || value === undefined ? [] : [{ trial, value }];
    })
    .toSorted((a, b) => sign * (a.value - b.value) || a.trial - b.trial)
    .map(({ trial }) => trial);
}

/** Every trial that was begun, the best first: by the highest rung that it reached with a value, then by that value. Lost ones are last. */
export function ranking(search: Search, { settings }: Course, reachedOf: ReachedOf): number[] {
  const trials = settings.map((_, trial) => trial);
  const ranked: number[] = [];
  for (let rung = topRung(search); rung >= 0; rung--) {
    const left = trials.filter((trial) => !ranked.includes(trial));
    ranked.push(...best(search, left, (trial) => reachedOf(trial, rung)?.value));
  }
  return [...ranked, ...trials.filter((trial) => !ranked.includes(trial))];
}

function synchronous(search: Search, reachedOf: ReachedOf): Course {
  const { trials, atOnce, factor, budget } = search;
  const { settings, add } = newSettings(search);
  const begun: { trial: number; rung: number }[] = [];
  let seconds = 0;
  const isSpent = () => budget.minutes !== undefined && seconds >= budget.minutes * 60;
  /** Begins trials at a rung. @returns whether all have arrived */
  const begin = (these: readonly number[], rung: number): boolean => {
    for (const trial of these) begun.push({ trial, rung });
    const arrived = these.flatMap((trial) => reachedOf(trial, rung) ?? []);
    seconds += arrived.reduce((sum, each) => sum + each.seconds, 0);
    return arrived.length === these.length;
  };
  const going = () => ({ settings, begun, isOver: false });
  // What is drawn from results, or stops in time, begins some at a time.
  const together = search.search === 'tpe' || budget.minutes !== undefined ? atOnce : trials;
  while (settings.length < trials && !isSpent()) {
    const first = settings.length;
    const these = Array.from({ length: Math.min(together, trials - first) }, (_, index) => first + index);
    const observed = observations(search, settings, (trial) => reachedOf(trial, 0));
    for (const _ of these) add(observed);
    if (!begin(these, 0)) return going();
  }
  let those = settings.map((_, trial) => trial);
  for (let rung = 0; rung < topRung(search) && !isSpent(); rung++) {
    const at = rung;
    those = best(search, those, (trial) => reachedOf(trial, at)?.value).slice(0, promoted(those.length, factor));
    if (those.length === 0) break;
    if (!begin(those, rung + 1)) return going();
  }
  return { settings, begun, isOver: true };
}

function asynchronous(search: Search, reachedOf: ReachedOf): Course {
  const { trials, atOnce, factor, budget, costs } = search;
  const { settings, add } = newSettings(search);
  const begun: { trial: number; rung: number }[] = [];
  /** By rung, those that arrived. */
  const arrived: number[][] = Array.from({ length: topRung(search) + 1 }, () => []);
  const known = new Set<string>();
  const isBegun = (trial: number, rung: number) => known.has(`${trial} ${rung}`);
  let [arrivals, seconds, epochs] = [0, 0, 0];
  const pays = (rung: number) =>
    (budget.minutes === undefined || seconds < budget.minutes * 60) &&
    (budget.epochs === undefined || epochs + (costs?.[rung] ?? 0) <= budget.epochs);
  const begin = (trial: number, rung: number) => {
    begun.push({ trial, rung });
    known.add(`${trial} ${rung}`);
    epochs += costs?.[rung] ?? 0;
  };
  const takePlace = (): boolean => {
    for (let rung = topRung(search) - 1; rung >= 0; rung--) {
      const here = arrived[rung] ?? [];
      const top = best(search, here, (trial) => reachedOf(trial, rung)?.value);
      const next = top.slice(0, Math.floor(here.length / factor)).find((trial) => !isBegun(trial, rung + 1));
      if (next === undefined || !pays(rung + 1)) continue;
      begin(next, rung + 1);
      return true;
    }
    if (settings.length >= trials || !pays(0)) return begun.length === arrivals && goOnWithBest();
    const observed = observations(search, settings, (trial) =>
      arrived[0]?.includes(trial) ? reachedOf(trial, 0) : undefined,
    );
    add(observed);
    begin(settings.length - 1, 0);
    return true;
  };
  /** Of few trials none may ever be among the best of so many. */
  const goOnWithBest = (): boolean => {
    for (let rung = topRung(search); rung >= 0; rung--) {
      const top = best(search, arrived[rung] ?? [], (trial) => reachedOf(trial, rung)?.value);
      if (top.length === 0) continue;
      const next = top.find((trial) => !isBegun(trial, rung + 1));
      if (rung === topRung(search) || next === undefined || !pays(rung + 1)) return false;
      begin(next, rung + 1);
      return true;
    }
    return false;
  };
  for (;;) {
    while (begun.length - arrivals < atOnce && takePlace());
    // What arrives later has a later place, so what follows from the first places stays.
    const next = begun.find(({ trial, rung }) => reachedOf(trial, rung)?.arrival === arrivals + 1);
    if (!next) break;
    arrivals++;
    arrived[next.rung]?.push(next.trial);
    seconds += reachedOf(next.trial, next.rung)?.seconds ?? 0;
  }
  return { settings, begun, isOver: arrivals === begun.length };
}

/** What is known of the first rung. */
const observations = (
  { search, goal }: Search,
  settings: readonly Setting[],
  reached: (trial: number) => Reached | undefined,
): Observation[] =>
  search !== 'tpe'
    ? []
    : settings.flatMap((setting, trial) => {
        const { value } = reached(trial) ?? {};
        if (value === undefined) return [];
        return [{ setting, value: value !== null && goal === 'lowest' ? -value : value }];
      });
