import type { SupconSettings } from '../../contracts/losses.ts';
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
  readonly contents: (variables: Variables) => QueueContents;
  /** Puts rows at the front; the oldest fall out. `labels` are as the loss takes them. */
  readonly push: (variables: Variables, unit: Tensor2D, labels: Tensor1D | Tensor2D) => void;
}

export interface QueueContents {
  /** float32 [size, dimension], of length 1 */
  readonly projections: Tensor2D;
  /** int32 [size], or [size, L] of several labels; below 0 at an empty place. */
  readonly labels: Tensor1D | Tensor2D;
  /** 1 for an empty place, float32 [size] */
  readonly empty: Tensor1D;
}

const names = { projections: 'queue/projections', classes: 'queue/classes', labels: 'queue/labels' } as const;

/**
 * The queue that a config asks for, or null.
 *
 * @param columns of labels; null where each row has one, its class
 */
export function createProjectionQueue(
  { queue }: Pick<SupconSettings, 'queue'>,
  dimension: number,
  columns: number | null = null,
): ProjectionQueue | null {
  if (queue === 0) return null;
  // Labels are kept as float32 like all state, shifted so that 0 is an empty place: classes by 1, several labels, where -1 is none, by 2.
  const [name, shape, first] =
    columns === null ? ([names.classes, [queue], 1] as const) : ([names.labels, [queue, columns], 2] as const);
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
    variables: [spec(names.projections, [queue, dimension]), spec(name, shape)],
    contents: (variables) => {
      const kept = variable(variables, name) as unknown as Tensor;
      const ofFirst = columns === null ? kept : tf.reshape(tf.slice(kept, [0, 0], [-1, 1]), [queue]);
      return {
        projections: variable(variables, names.projections) as unknown as Tensor2D,
        labels: tf.cast(tf.sub(kept, first), 'int32') as Tensor1D | Tensor2D,
        empty: tf.cast(tf.equal(ofFirst, 0), 'float32') as Tensor1D,
      };
    },
    push: (variables, unit, labels) => {
      push(variable(variables, names.projections), unit);
      push(variable(variables, name), tf.add(tf.cast(labels, 'float32'), first));
    },
  };
}
