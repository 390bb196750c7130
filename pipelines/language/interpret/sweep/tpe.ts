import { canonicalJson, type Json } from '../../../../contracts/json.ts';
import { normal, uniform } from './draws.ts';
import { isListed, type Line, lineOf, randomSetting, type Setting, type Space } from './space.ts';

/**
 * The tree-structured Parzen estimator: Bergstra, Bardenet, Bengio and Kégl, "Algorithms for Hyper-Parameter Optimization" (NIPS 2011),
 * section 4. Settings that gave good values and those that did not are each described by a density; of several draws from the first, the
 * one is tried that the second holds for least likely, which is the one of the greatest expected improvement (their equation 3).
 *
 * Names do not depend on each other here: the tree has no branches.
 */

/** Trials at random before there is anything to learn from. */
const startupTrials = 10;
/** The share of the trials that counts as good: the γ of section 4. */
const goodShare = 0.15;
const candidates = 24;
/** Draws of a truncated normal distribution before one at random is taken. */
const maximumRedraws = 100;

export interface Observation {
  readonly setting: Setting;
  /** Higher is better; null where the trial was lost. */
  readonly value: number | null;
}

/** A density over the values of one name, and draws from it. */
interface Density {
  readonly draw: (candidate: number) => Json;
  readonly logOf: (value: Json) => number;
}

/**
 * The setting of a trial, from what was observed. It follows from its arguments alone, and does not depend on the order of what was
 * observed.
 *
 * @param seen the settings of earlier trials, as canonical JSON: none is tried again, as long as there is another
 */
export function tpeSetting(
  space: Space,
  trial: number,
  observed: readonly Observation[],
  seen: ReadonlySet<string>,
): Setting {
  const { over, seed } = space;
  if (observed.length < startupTrials) return randomSetting(space, trial, seen);
  const ranked = observed.toSorted(
    (a, b) =>
      (b.value ?? Number.NEGATIVE_INFINITY) - (a.value ?? Number.NEGATIVE_INFINITY) ||
      (canonicalJson(a.setting) < canonicalJson(b.setting) ? -1 : 1),
  );
  const count = Math.ceil(goodShare * ranked.length);
  const good = ranked.slice(0, count).filter(({ value }) => value !== null);
  const bad = ranked.slice(count);
  if (good.length === 0) return randomSetting(space, trial, seen);
  const densities = Object.entries(over).map(([name, dimension]) => {
    const valuesIn = (these: readonly Observation[]) => these.map(({ setting }) => setting[name] ?? null);
    const of = (these: readonly Observation[]): Density =>
      isListed(dimension)
        ? listDensity(dimension, valuesIn(these), (candidate) => uniform(seed, 'tpe', trial, name, candidate))
        : rangeDensity(lineOf(dimension), valuesIn(these).map(Number), {
            share: (...more) => uniform(seed, 'tpe', trial, name, ...more),
            normal: (...more) => normal(seed, 'tpe', trial, name, ...more),
          });
    return { name, good: of(good), bad: of(bad) };
  });
  let best: { readonly setting: Setting; readonly gain: number } | null = null;
  for (let candidate = 0; candidate < candidates; candidate++) {
    const drawn = densities.map((density) => ({ ...density, value: density.good.draw(candidate) }));
    const setting = Object.fromEntries(drawn.map(({ name, value }) => [name, value]));
    // The same settings with the same seeds would come to the same value.
    if (seen.has(canonicalJson(setting))) continue;
    const gain = drawn.reduce((sum, { good, bad, value }) => sum + good.logOf(value) - bad.logOf(value), 0);
    if (best === null || gain > best.gain) best = { setting, gain };
  }
  return best?.setting ?? randomSetting(space, trial, seen);
}

/** The share of each value of a list among those observed, and each once more, so that none is ruled out. */
function listDensity(list: readonly Json[], observed: readonly Json[], share: (candidate: number) => number): Density {
  const counts = new Map(list.map((value) => [canonicalJson(value), 1]));
  for (const value of observed) counts.set(canonicalJson(value), (counts.get(canonicalJson(value)) ?? 0) + 1);
  const total = observed.length + list.length;
  return {
    draw: (candidate) => {
      const wanted = share(candidate) * total;
      let passed = 0;
      for (const value of list) {
        passed += counts.get(canonicalJson(value)) ?? 0;
        if (wanted < passed) return value;
      }
      return list.at(-1) ?? null;
    },
    logOf: (value) => Math.log((counts.get(canonicalJson(value)) ?? 1) / total),
  };
}

interface Draws {
  readonly share: (...of: readonly (string | number)[]) => number;
  readonly normal: (...of: readonly (string | number)[]) => number;
}

/**
 * A mixture of normal distributions, each cut off at the ends of the range: one at each observation, as wide as the farther of its
 * neighbours is away, and one over the whole range.
 */
function rangeDensity({ low, high, toLine, fromLine }: Line, observed: readonly number[], draws: Draws): Density {
  const range = high - low;
  const places = observed.map(toLine).sort((a, b) => a - b);
  const narrowest = range / Math.min(100, places.length + 1);
  const parts = [
    ...places.map((place, at) => {
      const toNext = Math.max(place - (places[at - 1] ?? low), (places[at + 1] ?? high) - place);
      return { place, width: Math.min(range, Math.max(narrowest, toNext)) };
    }),
    { place: (low + high) / 2, width: range },
  ];
  const weighed = parts.map(({ place, width }) => ({
    place,
    width,
    /** What the cut-off leaves. */
    mass: below((high - place) / width) - below((low - place) / width),
  }));
  return {
    draw: (candidate) => {
      const { place, width } = parts[Math.floor(draws.share(candidate, 'part') * parts.length)] ?? {
        place: low,
        width: range,
      };
      for (let redraw = 0; redraw < maximumRedraws; redraw++) {
        const at = place + width * draws.normal(candidate, redraw);
        if (at >= low && at <= high) return fromLine(at);
      }
      return fromLine(low + range * draws.share(candidate, 'range'));
    },
    logOf: (value) => {
      const at = toLine(Number(value));
      const density = weighed.reduce((sum, { place, width, mass }) => {
        const distance = (at - place) / width;
        return sum + Math.exp(-0.5 * distance * distance) / (width * Math.sqrt(2 * Math.PI) * mass);
      }, 0);
      return Math.log(density / weighed.length);
    },
  };
}

/** The share of the normal distribution below a number (Abramowitz and Stegun 7.1.26, to 1.5e-7). */
function below(number: number): number {
  const size = Math.abs(number) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * size);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-size * size);
  return number < 0 ? tail / 2 : 1 - tail / 2;
}
