import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dropPath } from '../../../training/drop-path.ts';
import { type Tensor, type Tensor1D, tf } from '../../../training/tensorflow.ts';
import { batch, crossEntropy, difference, openModel, supcon } from './small-model.ts';

const golden = JSON.parse(readFileSync(new URL('../../golden/fine-tuning.json', import.meta.url), 'utf8')) as {
  readonly dropPathRates: readonly { readonly rate: number; readonly depth: number; readonly rates: number[] }[];
};
const rows = 4000;
const from = { seed: 3, purpose: 'views', rows };
const at = (step: number) => tf.scalar(step, 'int32');
/** What is left of a branch of ones at each row of a block. */
const left = (drop: ReturnType<typeof dropPath>, block: number, blocks: number, of = rows): number[] => [
  ...drop(tf.ones([of, 1, 1, 1]), block, blocks).dataSync(),
];
const dropped = (values: readonly number[]) => values.filter((value) => value === 0).length / values.length;

describe('drop path', () => {
  it("drops a share of the rows that grows from block to block as timm's does", () => {
    for (const { rate, depth, rates } of golden.dropPathRates) {
      const drop = dropPath(rate, { ...from, step: at(5) });
      rates.forEach((expected, block) => {
        // Four standard deviations of the share among 4,000 rows.
        const spread = 4 * Math.sqrt((expected * (1 - expected)) / rows);
        expect(Math.abs(dropped(left(drop, block, depth)) - expected), `block ${block}`).toBeLessThanOrEqual(spread);
      });
    }
  });

  it('divides what is kept by the probability of being kept', () => {
    const kept = left(dropPath(0.3, { ...from, step: at(0) }), 3, 4).filter((value) => value !== 0);
    for (const value of kept) expect(value).toBeCloseTo(1 / 0.7, 6);
  });

  it('gives the only block the whole rate', () => {
    expect(dropped(left(dropPath(0.5, { ...from, step: at(0) }), 0, 1))).toBeCloseTo(0.5, 1);
  });

  it('draws by seed, views, step, block and branch of the block, and by nothing else', () => {
    const draw = (changes: object = {}, block = 2, step = 5) => {
      const drop = dropPath(0.5, { ...from, ...changes, step: at(step) });
      return [left(drop, block, 4), left(drop, block, 4)].map((values) => values.join());
    };
    const usual = draw();
    expect(draw()).toEqual(usual);
    const others = [draw({ seed: 4 }), draw({ purpose: 'small views' }), draw({}, 3), draw({}, 2, 6)];
    expect(new Set([usual, ...others].flat()).size).toBe(10);
  });

  it('drops of a part of the batch what it drops of the whole', () => {
    const places = tf.tensor1d([5, 17, 3999], 'int32') as Tensor1D;
    const whole = left(dropPath(0.5, { ...from, step: at(1) }), 1, 2);
    expect(left(dropPath(0.5, { ...from, step: at(1), places }), 1, 2, 3)).toEqual([whole[5], whole[17], whole[3999]]);
  });

  it('takes branches of any rank', () => {
    const drop = () => dropPath(0.5, { ...from, step: at(1) });
    const tokens: Tensor = drop()(tf.ones([rows, 2, 3]), 1, 2);
    expect([...tf.mean(tokens, [1, 2]).dataSync()]).toEqual(left(drop(), 1, 2));
  });
});

describe('a training with drop path', () => {
  /** Without batch normalisation by the batch, whose statistics would be those of the parts. */
  const alike = { freeze: 'all', dropPath: 0.6 };

  it('has another loss with each step, and the loss without it where nothing is dropped', () => {
    const none = { augmentation: 'none', freeze: 'all', optimizer: { name: 'sgd', learningRate: 1e-12 } };
    const [without, zero, some] = [none, { ...none, dropPath: 0 }, { ...none, dropPath: 0.6 }].map((each) =>
      openModel(crossEntropy(each)),
    ) as [ReturnType<typeof openModel>, ReturnType<typeof openModel>, ReturnType<typeof openModel>];
    expect(zero.run(0)).toBe(without.run(0));
    const losses = [0, 1, 2, 3].map(some.run);
    expect(new Set(losses).size).toBe(4);
    for (const each of [without, zero, some]) each.close();
  });

  it.each([
    ['cross-entropy', crossEntropy(alike), crossEntropy({ ...alike, microbatch: batch / 4 })],
    [
      'SupCon with small views',
      supcon({ ...alike, multiCrop: { views: 2, size: 8 } }),
      supcon({ ...alike, multiCrop: { views: 2, size: 8 }, microbatch: batch / 4 }),
    ],
  ])('takes the same step in parts as in one: %s', (_, whole, parts) => {
    const [one, other] = [openModel(whole), openModel(parts)];
    for (const step of [0, 1]) expect(Math.abs(other.run(step) / one.run(step) - 1)).toBeLessThan(1e-5);
    expect(difference(one.read(), other.read()).relative).toBeLessThan(1e-4);
    for (const each of [one, other]) each.close();
  });
});
