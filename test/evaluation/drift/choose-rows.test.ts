import { describe, expect, it } from 'vitest';
import { chooseRows, type RowFacts } from '../../../evaluation/drift/choose-rows.ts';

const row = (source: string, more: Partial<RowFacts> = {}): RowFacts => ({
  source,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  ...more,
});
const rows = (count: number, prefix: string, more: (at: number) => Partial<RowFacts> = () => ({})) =>
  Array.from({ length: count }, (_, at) => row(`${prefix}${at}`, more(at)));
const recent = rows(10, 'recent');
const options = { trained: new Set<string>(), sample: 1000, seed: 0 };
const sorted = (places: Int32Array) => Array.from(places).sort((a, b) => a - b);

describe('the images that recent ones are compared with', () => {
  it('are validation images, beside training images that the nearest is looked for among', () => {
    const reference = rows(9, 'row', (at) => ({
      split: (['train', 'validation', 'test'] as const)[at % 3] ?? 'train',
    }));
    const { heldOut, known, split } = chooseRows(recent, reference, options);
    expect(split).toBe('validation');
    expect(sorted(heldOut)).toEqual([1, 4, 7]);
    expect(sorted(known)).toEqual([0, 3, 6]);
  });

  it('are test images where there is no validation image', () => {
    const reference = rows(4, 'row', (at) => ({ split: at < 2 ? 'train' : 'test' }));
    const { heldOut, split } = chooseRows(recent, reference, options);
    expect([split, sorted(heldOut)]).toEqual(['test', [2, 3]]);
  });

  it('are never images that the encoder was trained on, also where no split says so', () => {
    const reference = rows(6, 'row');
    const { heldOut, known, split } = chooseRows(recent, reference, {
      ...options,
      trained: new Set(['row0', 'row1', 'row2']),
    });
    expect([split, sorted(heldOut), sorted(known)]).toEqual([null, [3, 4, 5], [0, 1, 2]]);
  });

  it('are refused where there are training images alone, with what to do', () => {
    const reference = rows(50, 'row', () => ({ split: 'train' }));
    expect(() => chooseRows(recent, reference, options)).toThrow(/embed the validation split too/);
  });

  it('are any images of an encoder that was trained on none of ours, half of them to be found', () => {
    const reference = rows(50, 'row', () => ({ split: 'train' }));
    const { heldOut, known } = chooseRows(recent, reference, { ...options, trained: null });
    expect([heldOut.length, known.length]).toEqual([25, 25]);
    expect(new Set([...heldOut, ...known]).size).toBe(50);
  });

  it('are never of classes that were held out', () => {
    const reference = rows(8, 'row', (at) => ({ split: at < 4 ? 'unseenValidation' : 'validation' }));
    const { heldOut, known } = chooseRows(recent, reference, options);
    expect(sorted(Int32Array.from([...heldOut, ...known]))).toEqual([4, 5, 6, 7]);
  });
});

describe('photos of one thing', () => {
  it('count once, on both sides', () => {
    const grouped = (prefix: string, split: 'validation' | undefined) =>
      rows(30, prefix, (at) => ({ group: `${prefix} ${at % 5}`, ...(split ? { split } : {}) }));
    const {
      recent: taken,
      heldOut,
      explored,
    } = chooseRows(grouped('new', undefined), grouped('old', 'validation'), {
      ...options,
      trained: null,
    });
    expect(taken).toHaveLength(5);
    expect(new Set(Array.from(taken, (place) => place % 5)).size).toBe(5);
    expect(heldOut.length).toBeLessThanOrEqual(3);
    expect(explored).toHaveLength(30);
  });

  it('are not looked for among each other: no known image is of a held-out group', () => {
    const reference = rows(20, 'row', (at) => ({
      group: `product ${at % 10}`,
      split: at < 15 ? 'train' : 'validation',
    }));
    const { known } = chooseRows(recent, reference, options);
    expect(sorted(known)).toEqual([0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
  });
});

it('leaves out recent images that the training or the reference has', () => {
  const reference = [...rows(4, 'row', () => ({ split: 'validation' })), row('recent3', { split: 'validation' })];
  const { fresh, seen, recent: taken } = chooseRows(recent, reference, { ...options, trained: new Set(['recent5']) });
  expect([fresh, seen]).toEqual([8, 2]);
  expect(sorted(taken)).toEqual([0, 1, 2, 4, 6, 7, 8, 9]);
});

it('draws the same by the same seed, others by another, and no more than the sample', () => {
  const many = rows(500, 'many');
  const reference = rows(500, 'row', () => ({ split: 'validation' }));
  const by = (seed: number) => chooseRows(many, reference, { trained: null, sample: 100, seed }).recent;
  expect(by(1)).toEqual(by(1));
  expect(by(1)).not.toEqual(by(2));
  expect(by(1)).toHaveLength(100);
});
