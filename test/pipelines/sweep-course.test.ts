import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../contracts/json.ts';
import {
  type Course,
  type Reached,
  ranking,
  rungSizes,
  type Search,
  sweepCourse,
} from '../../pipelines/language/interpret/sweep/course.ts';
import { normal, uniform } from '../../pipelines/language/interpret/sweep/draws.ts';
import { gridSetting, randomSetting, type Setting } from '../../pipelines/language/interpret/sweep/space.ts';
import { type Observation, tpeSetting } from '../../pipelines/language/interpret/sweep/tpe.ts';

const search = (more: Partial<Search> = {}): Search => ({
  search: 'random',
  trials: 9,
  over: { rate: { log: [0.001, 1] }, size: [8, 16, 32] },
  seed: 0,
  seeds: [0],
  goal: 'highest',
  atOnce: 2,
  rungs: [1, 3, 9],
  factor: 3,
  isAsynchronous: false,
  costs: [1, 2, 6],
  budget: {},
  ...more,
});

/** The results of trials, as they come in. */
class Trials {
  readonly reached = new Map<string, Reached>();
  constructor(readonly scoreOf: (trial: number, rung: number, setting: Setting) => number | null) {}
  readonly of = (trial: number, rung: number) => this.reached.get(`${trial} ${rung}`);
  /** Those that are on their way. */
  waiting = ({ begun }: Course) => begun.filter(({ trial, rung }) => !this.of(trial, rung));
  arrive({ settings }: Course, { trial, rung }: { trial: number; rung: number }, seconds = 1): void {
    const value = this.scoreOf(trial, rung, settings[trial] ?? {});
    this.reached.set(`${trial} ${rung}`, { value, seconds, arrival: this.reached.size + 1 });
  }
}

/** Lets all trials arrive in an order that `pick` chooses. @returns every course on the way */
function follow(wanted: Search, trials: Trials, pick: (count: number) => number): Course[] {
  const courses = [sweepCourse(wanted, trials.of)];
  for (let course = courses[0] as Course; !course.isOver; course = courses.at(-1) as Course) {
    const waiting = trials.waiting(course);
    const next = waiting[pick(waiting.length)];
    if (!next) throw new Error('it waits for nothing');
    trials.arrive(course, next);
    courses.push(sweepCourse(wanted, trials.of));
  }
  return courses;
}

/** Some value of its own for each trial and rung; one in eight is lost. */
const someValue = (salt: number) => (trial: number, rung: number) => {
  const value = uniform(salt, 'value', trial, rung);
  return value < 1 / 8 ? null : value;
};

const variants = fc.record({
  search: fc.constantFrom('random', 'tpe', 'grid'),
  goal: fc.constantFrom('highest', 'lowest'),
  trials: fc.integer({ min: 1, max: 30 }),
  atOnce: fc.integer({ min: 1, max: 5 }),
  factor: fc.integer({ min: 2, max: 4 }),
  seed: fc.integer({ min: 0, max: 1000 }),
}) as fc.Arbitrary<Partial<Search>>;
const searchOf = (variant: Partial<Search>, isAsynchronous: boolean) =>
  search({
    ...variant,
    isAsynchronous,
    ...(variant.search === 'grid' ? { over: { size: Array.from({ length: 30 }, (_, size) => size) } } : {}),
  });

describe('a synchronous sweep', () => {
  it('comes to the same order and winner in whatever order its trials arrive', () => {
    fc.assert(
      fc.property(variants, fc.integer(), fc.infiniteStream(fc.nat()), (variant, salt, choices) => {
        const wanted = searchOf(variant, false);
        const inOrder = new Trials(someValue(salt));
        const anyhow = new Trials(someValue(salt));
        const one = follow(wanted, inOrder, () => 0).at(-1) as Course;
        const other = follow(wanted, anyhow, (count) => (choices.next().value ?? 0) % count).at(-1) as Course;
        expect(other).toEqual(one);
        expect(ranking(wanted, other, anyhow.of)).toEqual(ranking(wanted, one, inOrder.of));
      }),
      { numRuns: 60 },
    );
  });

  it('goes on with the best of each rung, and with no more of them than the factor says', () => {
    const values = [5, 1, 9, 3, 7, 8, 2, 6, 4];
    const trials = new Trials((trial, rung) => (values[trial] ?? 0) + rung);
    const { begun } = follow(search(), trials, () => 0).at(-1) as Course;
    const at = (rung: number) => begun.filter((each) => each.rung === rung).map(({ trial }) => trial);
    expect(at(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(at(1)).toEqual([2, 5, 4]);
    expect(at(2)).toEqual([2]);
    expect(rungSizes(9, 3, 3)).toEqual([9, 3, 1]);
  });

  it('never promotes a lost trial, and ends where all are lost', () => {
    const lost = new Trials(() => null);
    const { begun, isOver } = follow(search(), lost, () => 0).at(-1) as Course;
    expect(isOver).toBe(true);
    expect(begun.map(({ rung }) => rung)).toEqual(Array(9).fill(0));
  });

  it('takes of equals the one that began first', () => {
    const equal = new Trials(() => 1);
    const course = follow(search(), equal, (count) => count - 1).at(-1) as Course;
    expect(ranking(search(), course, equal.of)[0]).toBe(0);
  });

  it('begins nothing more once its minutes are spent', () => {
    const wanted = search({ budget: { minutes: 1 / 30 }, trials: 9, atOnce: 2 });
    const course = follow(wanted, new Trials(someValue(1)), () => 0).at(-1) as Course;
    expect(course.begun).toHaveLength(2);
  });
});

describe('an asynchronous sweep', () => {
  it('goes on, as more arrives, from what it had begun', () => {
    fc.assert(
      fc.property(variants, fc.integer(), fc.infiniteStream(fc.nat()), (variant, salt, choices) => {
        const wanted = searchOf(variant.search === 'grid' ? { ...variant, search: 'random' } : variant, true);
        const trials = new Trials(someValue(salt));
        const courses = follow(wanted, trials, (count) => (choices.next().value ?? 0) % count);
        for (const [index, { begun, settings }] of courses.entries()) {
          const last = courses.at(-1) as Course;
          expect(last.begun.slice(0, begun.length)).toEqual(begun);
          expect(last.settings.slice(0, settings.length)).toEqual(settings);
          expect(trials.waiting(courses[index] as Course).length).toBeLessThanOrEqual(wanted.atOnce);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('promotes as soon as a trial is among the best third, before it begins another', () => {
    const values = [1, 2, 9, 3];
    const trials = new Trials((trial) => values[trial] ?? 0);
    const courses = follow(search({ isAsynchronous: true, atOnce: 1 }), trials, () => 0);
    expect(courses[3]?.begun).toEqual([
      { trial: 0, rung: 0 },
      { trial: 1, rung: 0 },
      { trial: 2, rung: 0 },
      { trial: 2, rung: 1 },
    ]);
  });

  it('looks at those alone that have arrived before: a later place that is written down first waits', () => {
    const wanted = search({ isAsynchronous: true });
    const reached = new Map<string, Reached>([['1 0', { value: 1, seconds: 1, arrival: 2 }]]);
    const before = sweepCourse(wanted, (trial, rung) => reached.get(`${trial} ${rung}`));
    expect(before.begun).toHaveLength(2);
    reached.set('0 0', { value: 0, seconds: 1, arrival: 1 });
    expect(sweepCourse(wanted, (trial, rung) => reached.get(`${trial} ${rung}`)).begun).toHaveLength(4);
  });

  it('trains the best to its end once all have arrived, where too few did for any to be among the best of so many', () => {
    for (const trials of [1, 4, 8]) {
      const wanted = search({ isAsynchronous: true, trials });
      const course = follow(wanted, new Trials((trial, rung) => rung - trial), () => 0).at(-1) as Course;
      expect(course.begun.filter(({ rung }) => rung === 2)).toEqual([{ trial: 0, rung: 2 }]);
    }
    const lost = search({ isAsynchronous: true, trials: 3 });
    const course = follow(lost, new Trials((_, rung) => (rung === 0 ? 1 : null)), () => 0).at(-1) as Course;
    expect(course.begun.some(({ rung }) => rung === 2)).toBe(false);
  });

  it('spends no more epochs than it may', () => {
    for (const epochs of [9, 15, 30]) {
      const wanted = search({ isAsynchronous: true, trials: 30, budget: { epochs } });
      const { begun } = follow(wanted, new Trials(someValue(2)), () => 0).at(-1) as Course;
      const spent = begun.reduce((sum, { rung }) => sum + ([1, 2, 6][rung] ?? 0), 0);
      expect(spent).toBeLessThanOrEqual(epochs);
      expect(spent).toBeGreaterThan(epochs - 6);
    }
  });
});

describe('what is tried', () => {
  it('is every combination of a grid once, the last list fastest', () => {
    const over = { a: [1, 2], b: ['x', 'y', 'z'] };
    const all = Array.from({ length: 6 }, (_, trial) => gridSetting({ over, seed: 0 }, trial));
    expect(all.map(({ a, b }) => `${a}${b}`)).toEqual(['1x', '1y', '1z', '2x', '2y', '2z']);
  });

  it('is drawn from the whole range, each order of magnitude as often, and the same again from the same seed', () => {
    const { over } = search();
    const drawn = Array.from({ length: 600 }, (_, trial) => randomSetting({ over, seed: 7 }, trial, new Set()));
    expect(drawn).toEqual(drawn.map((_, trial) => randomSetting({ over, seed: 7 }, trial, new Set())));
    expect(drawn[0]).not.toEqual(randomSetting({ over, seed: 8 }, 0, new Set()));
    const decades = [0, 1, 2].map(
      (decade) => drawn.filter(({ rate }) => Math.floor(Math.log10(Number(rate) * 1000)) === decade).length,
    );
    for (const count of decades) expect(Math.abs(count - 200)).toBeLessThan(50);
    expect(new Set(drawn.map(({ size }) => size))).toEqual(new Set([8, 16, 32]));
    const whole = randomSetting({ over: { blocks: { linear: [1, 4], whole: true } }, seed: 0 }, 3, new Set());
    expect(Number.isInteger(whole.blocks)).toBe(true);
  });

  it('is not tried twice while there is another', () => {
    const seen = new Set<string>();
    const space = { over: { size: [1, 2, 3, 4, 5] }, seed: 0 };
    for (let trial = 0; trial < 5; trial++) seen.add(JSON.stringify(randomSetting(space, trial, seen)));
    expect(seen.size).toBe(5);
    // The last of many is hardly ever drawn by chance.
    for (const seed of [0, 1, 2]) {
      const many = { over: { size: { linear: [0, 199] as [number, number], whole: true }, flip: [true, false] }, seed };
      const tried = new Set<string>();
      for (let trial = 0; trial < 400; trial++) tried.add(canonicalJson(randomSetting(many, trial, tried)));
      expect(tried.size).toBe(400);
      const small = { over: { size: [1, 2, 3, 4, 5, 6], flip: [true, false] }, seed };
      const settings: Observation[] = [];
      const learned = new Set<string>();
      for (let trial = 0; trial < 12; trial++) {
        const setting = tpeSetting(small, trial, settings, learned);
        settings.push({ setting, value: -Number(setting.size) });
        learned.add(canonicalJson(setting));
      }
      expect(learned.size).toBe(12);
    }
  });

  it('has the first and the last of whole numbers as often as those between', () => {
    const over = {
      blocks: { linear: [1, 4] as [number, number], whole: true },
      side: { log: [1, 2] as [number, number], whole: true },
    };
    const drawn = Array.from({ length: 800 }, (_, trial) => randomSetting({ over, seed: 5 }, trial, new Set()));
    for (const blocks of [1, 2, 3, 4])
      expect(Math.abs(drawn.filter((each) => each.blocks === blocks).length - 200)).toBeLessThan(50);
    expect(new Set(drawn.map(({ side }) => side))).toEqual(new Set([1, 2]));
  });

  it('draws numbers that are uniform, and normal', () => {
    const numbers = Array.from({ length: 4000 }, (_, at) => uniform(1, 'test', at));
    const mean = numbers.reduce((sum, each) => sum + each, 0) / 4000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    const normals = Array.from({ length: 4000 }, (_, at) => normal(1, 'test', at));
    const within = normals.filter((each) => Math.abs(each) < 1).length / 4000;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.03);
  });
});

describe('the tree-structured Parzen estimator', () => {
  /** A valley around rate 0.03 with size 16; the best is 0. */
  const over = search().over;
  const scoreOf = ({ rate, size }: Setting) =>
    -((Math.log10(Number(rate)) - Math.log10(0.03)) ** 2) - (size === 16 ? 0 : 0.5);
  const bestOf = (seed: number, propose: (trial: number, observed: Observation[], seen: Set<string>) => Setting) => {
    const observed: Observation[] = [];
    const seen = new Set<string>();
    for (let trial = 0; trial < 40; trial++) {
      const setting = propose(trial, observed, seen);
      seen.add(JSON.stringify(setting));
      observed.push({ setting, value: scoreOf(setting) });
    }
    return { seed, best: Math.max(...observed.map(({ value }) => value ?? Number.NEGATIVE_INFINITY)), observed };
  };

  it('comes nearer to the best than draws at random do, over ten seeds', () => {
    const seeds = Array.from({ length: 10 }, (_, seed) => seed);
    const mean = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
    const learned = seeds.map((seed) =>
      bestOf(seed, (trial, observed, seen) => tpeSetting({ over, seed }, trial, observed, seen)),
    );
    const random = seeds.map((seed) => bestOf(seed, (trial, _, seen) => randomSetting({ over, seed }, trial, seen)));
    expect(mean(learned.map(({ best }) => best))).toBeGreaterThan(mean(random.map(({ best }) => best)));
    const late = (tried: typeof learned) =>
      mean(tried.flatMap(({ observed }) => observed.slice(20).map(({ value }) => value ?? 0)));
    // What it tries later is good as a whole, which that at random is not.
    expect(late(learned)).toBeGreaterThan(late(random) / 2);
  });

  it('does not depend on the order of what was observed, and stays in the range', () => {
    const { observed } = bestOf(3, (trial, seen, before) => tpeSetting({ over, seed: 3 }, trial, seen, before));
    const setting = tpeSetting({ over, seed: 3 }, 40, observed, new Set());
    expect(tpeSetting({ over, seed: 3 }, 40, observed.toReversed(), new Set())).toEqual(setting);
    for (const { setting: each } of observed) {
      expect(Number(each.rate)).toBeGreaterThanOrEqual(0.001);
      expect(Number(each.rate)).toBeLessThanOrEqual(1);
    }
  });

  it('takes lost trials for bad ones', () => {
    const observed = Array.from({ length: 30 }, (_, at): Observation => {
      const rate = 0.001 * 10 ** (at / 10);
      return { setting: { rate, size: 8 }, value: rate > 0.1 ? null : 1 - at / 100 };
    });
    const rates = Array.from({ length: 20 }, (_, trial) =>
      Number(tpeSetting({ over, seed: trial }, 30, observed, new Set()).rate),
    );
    expect(rates.filter((rate) => rate > 0.1).length).toBeLessThan(4);
  });
});
