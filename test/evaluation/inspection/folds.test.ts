import { describe, expect, it } from 'vitest';
import { foldsOf } from '../../../evaluation/inspection/folds.ts';

describe('folds', () => {
  const labels = Int32Array.from({ length: 600 }, (_, row) => row % 3);

  it('follow from the seed alone: the same again, and others for another seed', () => {
    expect(foldsOf(labels, 5, 1)).toEqual(foldsOf(labels, 5, 1));
    expect(foldsOf(labels, 5, 1)).not.toEqual(foldsOf(labels, 5, 2));
  });

  it('of a class do not change when other classes do', () => {
    const of = (all: Int32Array, label: number) => foldsOf(all, 5, 1).filter((_, row) => all[row] === label);
    const others = Int32Array.from([...labels, ...Array<number>(50).fill(3)]);
    expect(of(others, 1)).toEqual(of(labels, 1));
  });

  it('have each the same share of each class', () => {
    const folds = foldsOf(labels, 5, 1);
    for (const label of [0, 1, 2])
      for (let fold = 0; fold < 5; fold++)
        expect(folds.filter((each, row) => each === fold && labels[row] === label)).toHaveLength(40);
  });

  it('put the two images of a small class into two folds, small classes into different ones, and leave out lone images', () => {
    const small = Int32Array.from({ length: 401 }, (_, row) => Math.floor(row / 2));
    const folds = foldsOf(small, 5, 1);
    for (let row = 0; row < 400; row += 2) expect(folds[row]).not.toBe(folds[row + 1]);
    expect(folds[400]).toBe(-1);
    for (let fold = 0; fold < 5; fold++) expect(folds.filter((each) => each === fold).length).toBeGreaterThan(50);
  });
});
