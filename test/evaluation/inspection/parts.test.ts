import { describe, expect, it } from 'vitest';
import { sumOfCells } from '../../../contracts/confusion.ts';
import { randomUint32 } from '../../../datasets/index.ts';
import { balanceOf, namesAlike, takenForEachOther } from '../../../evaluation/inspection/classes.ts';
import { exactCopies, kindIn, pairsToShow } from '../../../evaluation/inspection/duplicates.ts';
import { findOutliers } from '../../../evaluation/inspection/outliers.ts';
import { relabelsCsv } from '../../../evaluation/inspection/relabels.ts';
import { sameEmbeddings } from '../../../evaluation/inspection/same-embeddings.ts';

const turn = async () => {};
const unit = (...key: number[]) => randomUint32(0, 'test', ...key) / 2 ** 32 - 0.5;

describe('exact copies', () => {
  // Two splits: a a b | a c c.
  const splitOf = Uint8Array.of(0, 0, 0, 1, 1, 1);
  const partners = exactCopies(['a', 'a', 'b', 'a', 'c', 'c'], splitOf, 2);
  const found = [{ kind: 'exact', partners }] as const;

  it('are told for every image and every split', () => {
    expect(partners.partner.map((each) => [...each])).toEqual([
      [1, 0, -1, 0, -1, -1],
      [3, 3, -1, -1, 5, 4],
    ]);
    expect(kindIn(found, 3, 0)).toBe('exact');
    expect(kindIn(found, 2, 0)).toBeNull();
  });

  it('are shown once a pair, across splits first', () => {
    expect(pairsToShow(found, splitOf, 9).map(({ a, b }) => [a, b])).toEqual([
      [0, 3],
      [1, 3],
      [0, 1],
      [4, 5],
    ]);
    expect(pairsToShow(found, splitOf, 1)).toHaveLength(1);
  });
});

it('embeddings of one direction are the same, whatever their length; an image is not its own duplicate', async () => {
  const values = Float32Array.of(1, 0, 0, 1, 3, 0.01, 0, 2);
  const parts = [{ rows: Int32Array.of(0, 1) }, { rows: Int32Array.of(0, 1) }];
  const { partner, likeness } = await sameEmbeddings({ values, count: 4, dimension: 2 }, parts, 0.99, turn);
  expect(partner.map((each) => [...each])).toEqual([
    [-1, -1, 0, 1],
    [2, 3, -1, -1],
  ]);
  expect(likeness[0]?.[3]).toBeCloseTo(1, 6);
});

describe('outliers', () => {
  /** Two classes of 40 around two directions, and one image of class 0 that lies the other way. */
  const labels = Int32Array.from({ length: 81 }, (_, row) => (row < 41 ? 0 : 1));
  const values = Float32Array.from({ length: 81 * 4 }, (_, at) => {
    const [row, column] = [Math.floor(at / 4), at % 4];
    const middle = row === 40 ? 1 : labels[row];
    return (column === middle ? 1 : 0) + 0.2 * unit(row, column);
  });
  const embedding = { values, count: 81, dimension: 4 };

  it('are those beyond the outer fence of their class', async () => {
    const { outliers, leftOut } = await findOutliers(embedding, labels, 5, turn);
    expect(outliers.map(({ image }) => image)).toEqual([40]);
    expect(outliers[0]?.distance).toBeGreaterThan(outliers[0]?.limit ?? 2);
    expect(leftOut).toEqual({ classes: 0, images: 0 });
  });

  it('are not looked for in classes of fewer than eight images, which are counted', async () => {
    const small = Int32Array.from({ length: 81 }, (_, row) => (row === 40 ? 2 : row < 36 ? 0 : 1));
    const { outliers, leftOut } = await findOutliers(embedding, small, 5, turn);
    expect(outliers.map(({ image }) => image)).not.toContain(40);
    expect(leftOut).toEqual({ classes: 1, images: 1 });
  });
});

describe('classes', () => {
  it('are named alike where case, width, separators or a plural s make the difference', () => {
    const names = ['T-Shirt', 'coat', 't shirts', 'Coats', 'ｃｏａｔ', 'bag', '10', '1', 'as', 'a'];
    expect(namesAlike(names).map(({ a, b }) => `${names[a]} = ${names[b]}`)).toEqual([
      'T-Shirt = t shirts',
      'coat = Coats',
      'coat = ｃｏａｔ',
    ]);
  });

  it('may be one where a fifth of their images is taken for the other, and five at least', () => {
    const confused = sumOfCells(4, [
      [0, 1, 20],
      [1, 0, 25],
      [2, 0, 15],
      [3, 2, 4],
      [0, 0, 80],
    ]);
    expect(takenForEachOther(confused, [100, 100, 100, 2])).toEqual([{ a: 0, b: 1, images: 45, share: 0.225 }]);
  });

  it('are unbalanced where some have less than a tenth of the median', () => {
    expect(balanceOf(['a', 'b', 'c', 'd'], [100, 4, 50, 60])).toEqual({
      largest: { class: 'a', images: 100 },
      smallest: { class: 'b', images: 4 },
      median: 55,
      small: 1,
      smallClasses: [{ class: 'b', images: 4 }],
    });
  });
});

it('relabels are CSV that survives commas, quotes and lines in names', () => {
  const row = { label: 'a, b', suggested: 'say "c"', confidence: 0.98765, note: 'train' };
  expect(new TextDecoder().decode(relabelsCsv([{ image: 'x\n1.jpg', ...row }]))).toBe(
    'image,label,suggested,confidence,note\n"x\n1.jpg","a, b","say ""c""",0.988,train\n',
  );
});
