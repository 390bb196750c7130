import { describe, expect, it } from 'vitest';
import { balancedBatchPlan, balancedShape, membersOfClasses, randomUint32 } from '../../datasets/index.ts';

/** Labels of so many images of each class, in mixed order. */
function labelsOf(counts: readonly number[]): Int32Array {
  const labels = counts.flatMap((count, label) => Array<number>(count).fill(label));
  const key = (at: number) => randomUint32(1, 'test', at);
  return Int32Array.from(
    labels.map((label, at) => [key(at), label] as const).toSorted(([a], [b]) => a - b),
    ([, label]) => label,
  );
}

function open(counts: readonly number[], batch: number, perClass: number) {
  const labels = labelsOf(counts);
  const shape = balancedShape(counts, batch, perClass);
  const members = membersOfClasses(labels, counts.length);
  const batches = (seed = 0, epoch = 1, minimumSteps?: number) => {
    const plan = balancedBatchPlan(members, shape, { seed, epoch, minimumSteps });
    return Array.from({ length: plan.steps }, (_, step) => [...plan.indices(step)]);
  };
  return { labels, shape, batches };
}

const tally = (values: Iterable<number>) => {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};
const spread = (values: Iterable<number>) => Math.max(...values) - Math.min(...values);

/** Images of each class, batch, images of a class in a batch. */
const cases: [string, number[], number, number][] = [
  ['as many classes as fit', [40, 40, 40, 40], 16, 4],
  ['more classes than fit', [30, 50, 20, 90, 40, 10, 60], 12, 4],
  ['fewer classes than fit', [100, 30], 64, 8],
  ['one class that is small', [400, 3, 200], 24, 8],
  ['one image of a class in each', [20, 7, 30, 11, 9], 3, 1],
];

describe('balanced batches', () => {
  for (const [name, counts, batch, perClass] of cases)
    describe(name, () => {
      const { labels, shape, batches } = open(counts, batch, perClass);

      it('have as many images of each of their classes', () => {
        expect(shape).toEqual({
          classes: Math.min(counts.length, batch / perClass),
          size: Math.min(counts.length, batch / perClass) * perClass,
        });
        for (const epoch of [1, 2, 3])
          for (const rows of batches(0, epoch)) {
            expect(rows).toHaveLength(shape.size);
            const classes = tally(rows.map((row) => labels[row] ?? -1));
            expect(classes.size).toBe(shape.classes);
            expect(new Set(classes.values())).toEqual(new Set([perClass]));
          }
      });

      it('make as many steps as the images fill batches', () => {
        expect(batches()).toHaveLength(Math.floor(labels.length / shape.size));
      });

      it('cover classes, and the images of a class, evenly within an epoch', () => {
        for (const epoch of [1, 2, 3]) {
          const rows = batches(7, epoch).flat();
          const drawn = tally(rows);
          const ofClass = counts.map((_, label) =>
            [...labels.keys()].filter((row) => labels[row] === label).map((row) => drawn.get(row) ?? 0),
          );
          for (const each of ofClass) expect(spread(each)).toBeLessThanOrEqual(1);
          const batchesOf = ofClass.map((each) => each.reduce((a, b) => a + b, 0) / perClass);
          expect(spread(batchesOf)).toBeLessThanOrEqual(1);
        }
      });

      it('follow from seed, epoch and step', () => {
        expect(batches(3, 2)).toEqual(batches(3, 2));
        expect(batches(3, 2)).not.toEqual(batches(3, 1));
        expect(batches(3, 2)).not.toEqual(batches(4, 2));
      });
    });

  it('are as many as must be: a small set is drawn again and again, still evenly', () => {
    const { labels, batches } = open([40, 6, 12], 24, 8);
    const many = batches(0, 1, 30);
    expect(many).toHaveLength(30);
    expect(many.slice(0, 2)).toEqual(batches());
    const drawn = tally(many.flat());
    const ofClass = [0, 1, 2].map((label) =>
      [...drawn].flatMap(([row, times]) => (labels[row] === label ? [times] : [])),
    );
    expect(ofClass.map(({ length }) => length)).toEqual([40, 6, 12]);
    for (const times of ofClass) expect(spread(times)).toBeLessThanOrEqual(1);
  });

  it('are one batch where the images do not fill one', () => {
    const { batches } = open([2, 3], 64, 8);
    expect(batches()).toHaveLength(1);
    expect(batches()[0]).toHaveLength(16);
  });

  it('are refused where the images of a class do not divide the batch', () => {
    expect(() => open([10, 10], 10, 4)).toThrow('perClass: 4 does not divide the batch of 10 images');
  });

  it('leave out classes without images, as a split leaves some of many small classes', () => {
    const counts = [3, 0, 4, 0, 0, 5];
    const { labels, shape, batches } = open(counts, 8, 2);
    expect(shape).toEqual({ classes: 3, size: 6 });
    for (const rows of batches()) {
      const classes = tally(rows.map((row) => labels[row] ?? -1));
      expect(classes).toEqual(new Map([...classes.keys()].map((label) => [label, 2])));
      expect([...classes.keys()].sort()).toEqual([0, 2, 5]);
    }
  });

  it('take the only image of a class as often as images of a class are wanted', () => {
    const { labels, batches } = open([1, 2, 2], 6, 2);
    for (const rows of batches()) {
      const only = rows.filter((row) => labels[row] === 0);
      expect(only).toHaveLength(2);
      expect(new Set(only).size).toBe(1);
    }
  });
});
