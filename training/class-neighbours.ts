import type { CompiledStep, Execution, Step } from './capture/index.ts';
import { normalised } from './losses/pairs.ts';
import { gatherRows, updateRows } from './ops.ts';
import { type ParameterSpec, type Variables, variable } from './parameters.ts';
import { type Tensor, type Tensor1D, type Tensor2D, tf } from './tensorflow.ts';

/**
 * Which classes an epoch confused: those whose mean outputs, each of length 1, point nearly the same way. The batches of the next
 * epoch are drawn by them, so they are part of the training state, and a resumed training draws the same.
 */
export interface ClassNeighbours {
  /** Sums of the outputs of each class over the epoch in progress, and the nearest classes of the epoch before. */
  readonly variables: readonly ParameterSpec[];
  /**
   * Adds the outputs of a balanced batch to the sums.
   *
   * @param outputs float32 [rows, width], view-major, in a view class by class
   * @param labels int32 [rows], the classes
   */
  readonly add: (variables: Variables, outputs: Tensor2D, labels: Tensor1D) => void;
  /** Ends an epoch: finds the nearest classes anew, and clears the sums. */
  readonly compileEnd: (execution: Pick<Execution, 'compile' | 'write'>) => () => void;
  /** Of each class the nearest first; empty in the first epoch, and of a class that had no image in the last. */
  readonly read: (execution: Pick<Execution, 'read'>) => readonly (readonly number[])[];
}

/** Neighbours of a class that are kept. */
const mostNeighbours = 64;
/** Classes whose similarities to all others are computed at once. */
const mostRows = 512;
const names = { sums: 'sampler/sums', nearest: 'sampler/nearest' } as const;

export interface NeighbourShape {
  readonly classes: number;
  readonly width: number;
  /** Images of a class in a batch. */
  readonly perClass: number;
  /** Views of full size, which come first and alone are looked at. */
  readonly views: number;
  /** Views of any size. */
  readonly allViews: number;
}

export function createClassNeighbours({ classes, width, perClass, views, allViews }: NeighbourShape): ClassNeighbours {
  const kept = Math.max(1, Math.min(mostNeighbours, classes - 1));
  const block = Math.min(mostRows, classes);
  const zeros = (name: string, shape: readonly number[]): ParameterSpec => ({
    ...{ name, shape },
    initializer: 'zeros',
    trainable: false,
  });
  const matrix = (variables: Variables, name: string) => variable(variables, name) as unknown as Tensor2D;

  /** Input: int32 scalar, the first class of a block. Output: it again. Finds the neighbours of the block's classes. */
  const endOfBlock: Step = ([first], { variables }) => {
    const sums = matrix(variables, names.sums);
    const directions = normalised(sums);
    const rows = tf.add(tf.range(0, block, 1, 'int32'), first as Tensor) as Tensor1D;
    const seen = tf.cast(tf.greater(tf.sum(tf.square(sums), 1), 0), 'float32') as Tensor1D;
    const others = tf.cast(tf.notEqual(tf.expandDims(rows, 1), tf.range(0, classes, 1, 'int32')), 'float32');
    const allowed = tf.mul(others, seen);
    const similarities = tf.matMul(gatherRows(directions, rows) as Tensor2D, directions, false, true);
    // -3 is below any cosine.
    const { values, indices } = tf.topk(tf.add(tf.mul(similarities, allowed), tf.mul(tf.sub(allowed, 1), 3)), kept);
    const isThere = tf.mul(tf.cast(tf.greater(values, -2), 'float32'), tf.expandDims(gatherRows(seen, rows), 1));
    // Kept as float32 like all state, from 1; 0 is none.
    const nearest = tf.mul(tf.add(tf.cast(indices, 'float32'), 1), isThere) as Tensor2D;
    const all = variable(variables, names.nearest);
    all.assign(updateRows(all as unknown as Tensor2D, rows, nearest));
    return [tf.clone(first as Tensor)];
  };

  return {
    variables: [zeros(names.sums, [classes, width]), zeros(names.nearest, [classes, kept])],
    add: (variables, outputs, labels) => {
      const images = (outputs.shape[0] ?? 0) / allViews;
      const inBatch = images / perClass;
      const ofFullSize = tf.slice(normalised(outputs), 0, views * images);
      const added = tf.sum(tf.reshape(ofFullSize, [views, inBatch, perClass, width]), [0, 2]);
      const firsts = tf.slice(tf.reshape(tf.slice(labels, 0, images), [inBatch, perClass]), [0, 0], [inBatch, 1]);
      const rows = tf.reshape(firsts, [inBatch]) as Tensor1D;
      const sums = variable(variables, names.sums);
      const own = gatherRows(sums as unknown as Tensor, rows);
      sums.assign(updateRows(sums as unknown as Tensor2D, rows, tf.add(own, added)));
    },
    compileEnd: (execution) => {
      const run: CompiledStep = execution.compile(endOfBlock);
      return () => {
        for (let first = 0; first < classes; first += block)
          run({ dtype: 'int32', shape: [], values: Int32Array.of(Math.min(first, classes - block)) });
        execution.write(new Map([[names.sums, new Float32Array(classes * width)]]));
      };
    },
    read: (execution) => {
      const values = execution.read([names.nearest])[0] ?? new Float32Array();
      return Array.from({ length: classes }, (_, label) =>
        Array.from(values.subarray(label * kept, (label + 1) * kept), (from1) => from1 - 1).filter((near) => near >= 0),
      );
    },
  };
}
