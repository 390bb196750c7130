import { describe, expect, it } from 'vitest';
import { anySets, type ClassSets, categorySets, neighbourSets } from '../../datasets/index.ts';

/** Fifteen classes: seven bags, five hats, three shoes. */
const categories = [...Array(7).fill('bag'), ...Array(5).fill('hat'), ...Array(3).fill('shoe')] as string[];
const classes = categories.map((_, label) => label);
/** Each class is near to those whose numbers are near. */
const nearest = classes.map((label) =>
  classes.filter((other) => other !== label).toSorted((a, b) => Math.abs(a - label) - Math.abs(b - label)),
);
const kinds: Readonly<Record<string, ClassSets>> = {
  any: anySets,
  'of a category': categorySets(categories),
  'that were confused': neighbourSets(nearest),
};
const draw = (setsOf: ClassSets, size: number, count: number, { seed = 1, epoch = 1, of = classes } = {}) => {
  const next = setsOf(of, size, { seed, epoch });
  return Array.from({ length: count }, () => [...next()]);
};

for (const [name, setsOf] of Object.entries(kinds))
  describe(`sets of classes ${name}`, () => {
    for (const size of [1, 2, 4, 7, 15])
      it(`hold ${size} different classes, and each class as often as another`, () => {
        for (const count of [1, 3, 5, 30]) {
          const sets = draw(setsOf, size, count);
          for (const set of sets) expect(new Set(set).size).toBe(size);
          const times = classes.map((label) => sets.flat().filter((each) => each === label).length);
          expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
        }
      });

    it('follow from seed and epoch', () => {
      expect(draw(setsOf, 4, 9)).toEqual(draw(setsOf, 4, 9));
      expect(draw(setsOf, 4, 9)).not.toEqual(draw(setsOf, 4, 9, { seed: 2 }));
      expect(draw(setsOf, 4, 9)).not.toEqual(draw(setsOf, 4, 9, { epoch: 2 }));
    });

    it('hold only the classes that they are given', () => {
      const of = [0, 3, 8, 14];
      expect(new Set(draw(setsOf, 3, 8, { of }).flat())).toEqual(new Set(of));
    });
  });

it('as many sets as a category fills hold that category alone', () => {
  for (let round = 0; round < 10; round++) {
    const sets = draw(categorySets(categories), 3, 5, { seed: round });
    const alike = sets.map((set) => new Set(set.map((label) => categories[label])).size === 1);
    // Two sets of bags, one of hats, one of shoes; what is left over, a bag and two hats, fills the fifth.
    expect(alike.filter(Boolean)).toHaveLength(4);
  }
});

it('a set of confused classes holds a class and its nearest that are left', () => {
  const [first, second] = draw(neighbourSets(nearest), 3, 2);
  for (const [set, gone] of [
    [first, []],
    [second, first],
  ] as const) {
    const [start = 0, ...near] = set ?? [];
    const left = (nearest[start] ?? []).filter((label) => !(gone as readonly number[] | undefined)?.includes(label));
    expect(near).toEqual(left.slice(0, 2));
  }
});

it('classes without neighbours are drawn as any', () => {
  const none = classes.map(() => []);
  expect(draw(neighbourSets(none), 4, 3)).toEqual(draw(anySets, 4, 3));
});
