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
  const [low, high] = isLog ? range.log : range.linear;
  const within = (value: number) => Math.min(high, Math.max(low, value));
  const rounded = (value: number) => (range.whole === true ? Math.round(value) : Number(value.toPrecision(keptDigits)));
  return {
    low: isLog ? Math.log(low) : low,
    high: isLog ? Math.log(high) : high,
    toLine: (value) => (isLog ? Math.log(value) : value),
    fromLine: (at) => within(rounded(isLog ? Math.exp(at) : at)),
  };
}

/** How many settings a grid has; infinite where a range is in it. */
export const combinations = (over: Space['over']): number =>
  Object.values(over).reduce((product, each) => product * (isListed(each) ? each.length : Number.POSITIVE_INFINITY), 1);

/** A setting of a grid; the last list changes fastest, as in a matrix. */
export function gridSetting({ over }: Space, trial: number): Setting {
  let rest = trial;
  const chosen = Object.entries(over)
    .toReversed()
    .map(([name, list]) => {
      const values = isListed(list) ? list : [];
      const value = values[rest % values.length] ?? null;
      rest = Math.floor(rest / values.length);
      return [name, value] as const;
    });
  return Object.fromEntries(chosen.toReversed());
}

/**
 * A setting at random. One that was tried before is drawn again, as long as there is hope for another.
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
  return setting;
}
