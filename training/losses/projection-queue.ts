import type { LossConfig } from '../../contracts/training.ts';
import { type ParameterSpec, type Variables, variable } from '../parameters.ts';
import { type Tensor, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';

/**
 * A queue of the last projections, against which a batch is contrasted besides itself (section 4.4 of arXiv:2004.11362
 * uses 8192). It gives a small batch the negatives and positives of a large one at the price of their age: they were made
 * by earlier weights, and no gradient flows into them. The paper makes them by a momentum encoder; here it is the encoder.
 */
export interface ProjectionQueue {
  /** Part of the training state, saved and restored like the weights. */
  readonly variables: readonly ParameterSpec[];
  /** The queue's contents. An empty place has label -1. */
  readonly contents: (variables: Variables) => QueueContents;
  /** Puts rows at the front; the oldest fall out. */
  readonly push: (variables: Variables, unit: Tensor2D, labels: Tensor1D) => void;
}

export interface QueueContents {
  /** float32 [size, dimension], of length 1 */
  readonly projections: Tensor2D;
  /** int32 [size] */
  readonly labels: Tensor1D;
}

const names = { projections: 'queue/projections', classes: 'queue/classes' } as const;

/** The queue that a config asks for, or null. */
export function createProjectionQueue({ queue }: LossConfig['supcon'], dimension: number): ProjectionQueue | null {
  if (queue === 0) return null;
  const spec = (name: string, shape: readonly number[]): ParameterSpec => ({
    name,
    shape,
    initializer: 'zeros',
    trainable: false,
  });
  const push = (target: ReturnType<typeof variable>, rows: Tensor) => {
    const joined = tf.concat([rows, target]);
    target.assign(tf.slice(joined, 0, queue));
  };
  return {
    // Classes are kept from 1, as float32 like all state, so that 0 is an empty place.
    variables: [spec(names.projections, [queue, dimension]), spec(names.classes, [queue])],
    contents: (variables) => ({
      projections: variable(variables, names.projections) as unknown as Tensor2D,
      labels: tf.cast(tf.sub(variable(variables, names.classes), 1), 'int32') as Tensor1D,
    }),
    push: (variables, unit, labels) => {
      push(variable(variables, names.projections), unit);
      push(variable(variables, names.classes), tf.add(tf.cast(labels, 'float32'), 1));
    },
  };
}
