import { seedPair } from '../datasets/index.ts';
import type { Pass } from './models/layers.ts';
import { gatherRows, statelessUniform } from './ops.ts';
import { type Tensor, type Tensor1D, tf } from './tensorflow.ts';

/** What the draws of a pass follow from. */
export interface DropPathDraws {
  readonly seed: number;
  /** Of the views that pass. */
  readonly purpose: string;
  /** Rows of the whole batch: views times images. */
  readonly rows: number;
  /** int32 scalar: the steps of the whole training before this one */
  readonly step: Tensor;
  /** int32 [n]: which of the rows pass; absent: all */
  readonly places?: Tensor1D;
}

/**
 * Stochastic depth (arXiv:1603.09382): each row skips a residual branch with a probability that grows evenly from 0 at the first
 * block to `rate` at the last, as timm has it; a branch that is kept is divided by the probability of being kept. A network of one
 * block drops it with `rate`.
 *
 * A draw follows from seed, purpose, step, block, which of its branches it is, and the row in the batch: so a batch in parts drops
 * what the whole batch does. One such function is for one pass forward: it counts the branches of a block.
 */
export function dropPath(
  rate: number,
  { seed, purpose, rows, step, places }: DropPathDraws,
): NonNullable<Pass['dropBranch']> {
  const seen = new Map<number, number>();
  return (branch, block, blocks) => {
    const nth = seen.get(block) ?? 0;
    seen.set(block, nth + 1);
    const dropped = blocks === 1 ? rate : (rate * block) / (blocks - 1);
    if (dropped === 0) return branch;
    const [first] = seedPair(seed, `drop path: ${purpose}`, block, nth);
    const draws = statelessUniform([rows], tf.stack([tf.scalar(first, 'int32'), step]) as Tensor1D);
    const own = places ? gatherRows(draws, places) : draws;
    const share = tf.mul(tf.cast(tf.greaterEqual(own, dropped), 'float32'), 1 / (1 - dropped));
    return tf.mul(branch, tf.reshape(share, [own.size, ...branch.shape.slice(1).map(() => 1)]));
  };
}
