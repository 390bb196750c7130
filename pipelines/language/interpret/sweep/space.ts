import { canonicalJson, type Json } from '../../../../contracts/json.ts';
import type { Dimension } from '../../../../contracts/kinds/sweep.ts';
import type { PlannedSweep } from '../../../../contracts/plan.ts';
import { uniform } from './draws.ts';

/** The settings of a trial, by name. */
export type Setting = Readonly<Record<string, Json>>;
export type Space = Pick<PlannedSweep, 'over' | 'seed'>;

/** Digits that are kept of a number that is drawn: enough for any setting, and few enough to read. */
const keptDigits = 6;
const maximumRedraws = 100;

export const isListed = (dimension: Dimension): dimension is Json[] => Array.isArray(dimension);

/** A range as the search sees it: a line from `low` to `high`, the logarithm where it is one of orders of magnitude. */
export interface Line {
  readonly low: number;
  readonly high: number;
  readonly toLine: (value: number) => number;
  /** A value of the range, rounded to few digits. */
  readonly fromLine: (at: number) => number;
}

export function lineOf(range: Exclude<Dimension, Json[]>): Line {
  const isLog = 'log' in range;
  const [low, high] = endsOf(range);
  const within = (value: number) => Math.min(high, Math.max(low, value));
  const rounded = (value: number) => (range.whole === true ? Math.round(value) : Number(value.toPrecision(keptDigits)));
  // The first and the last of whole numbers are rounded to from both sides, like those between them.
  const margin = range.whole === true ? 0.5 : 0;
  return {
    low: isLog ? Math.log(low - margin) : low - margin,
    high: isLog ? Math.log(high + margin) : high + margin,
    toLine: (value) => (isLog ? Math.log(value) : value),
    fromLine: (at) => within(rounded(isLog ? Math.exp(at) : at)),
  };
}

const endsOf = (range: Exclude<Dimension, Json[]>): readonly [number, number] =>
  'log' in range ? range.log : range.linear;

/** How many values there are; infinite for a range of any numbers. */
function countOf(dimension: Dimension): number {
  if (isListed(dimension)) return dimension.length;
  const [low, high] = endsOf(dimension);
  return dimension.whole === true ? high - low + 1 : Number.POSITIVE_INFINITY;
}

const valueAt = (dimension: Dimension, index: number): Json =>
  isListed(dimension) ? (dimension[index] ?? null) : endsOf(dimension)[0] + index;

/** How many settings there are; infinite where a range of any numbers is among them. */
export const combinations = (over: Space['over']): number =>
  Object.values(over).reduce((product, each) => product * countOf(each), 1);

/** A setting of a grid; the last list changes fastest, as in a matrix. */
export function gridSetting({ over }: Space, trial: number): Setting {
  let rest = trial;
  const chosen = Object.entries(over)
    .toReversed()
    .map(([name, dimension]) => {
      const count = countOf(dimension);
      const value = valueAt(dimension, rest % count);
      rest = Math.floor(rest / count);
      return [name, value] as const;
    });
  return Object.fromEntries(chosen.toReversed());
}

/**
 * A setting at random that was not tried before, as long as there is one.
 *
 * @param seen the settings of earlier trials, as canonical JSON
 */
export function randomSetting({ over, seed }: Space, trial: number, seen: ReadonlySet<string>): Setting {
  let setting: Setting = {};
  for (let redraw = 0; redraw <= maximumRedraws; redraw++) {
    setting = Object.fromEntries(
      Object.entries(over).map(([name, dimension]) => {
        const share = uniform(seed, 'random', trial, name, redraw);
        if (isListed(dimension)) return [name, dimension[Math.floor(share * dimension.length)] ?? null];
        const { low, high, fromLine } = lineOf(dimension);
        return [name, fromLine(low + share * (high - low))];
      }),
    );
    if (!seen.has(canonicalJson(setting))) return setting;
  }
  return untriedSetting({ over, seed }, trial, seen) ?? setting;
}

/** The next setting that was not tried, from one at random on: there are few, or a draw would have found one. */
function untriedSetting(space: Space, trial: number, seen: ReadonlySet<string>): Setting | null {
  const count = combinations(space.over);
  if (!Number.isFinite(count)) return null;
  const first = Math.floor(uniform(space.seed, 'untried', trial) * count);
  for (let step = 0; step < Math.min(count, seen.size + 1); step++) {
    const setting = gridSetting(space, (first + step) % count);
    if (!seen.has(canonicalJson(setting))) return setting;
  }
  return null;
}
