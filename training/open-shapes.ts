import { backend } from './capture/backend.ts';
import { type } from './op-attributes.ts';
import { type Tensor, tf } from './tensorflow.ts';

/**
 * Operations that leave the number of rows open. What tfjs has for them writes that number into the graph, so a step that uses
 * it can not be exported for any number of images.
 */

/**
 * The same values row by row in another shape.
 *
 * @param x of any shape [n, ...]
 * @param shape of a row
 * @returns [n, ...shape]
 */
export function reshapeRows<T extends Tensor>(x: Tensor, shape: readonly number[]): T {
  const reshape = tf.customGrad((...operands) => {
    const [input] = operands as [Tensor];
    const before = input.shape.slice(1);
    return {
      value: reshaped(input, shape),
      gradFunc: (dy: Tensor) => reshaped(dy, before),
    };
  });
  return reshape(x) as T;
}

function reshaped(x: Tensor, shape: readonly number[]): Tensor {
  const { TF_FLOAT, TF_INT32 } = backend().binding;
  const target = tf.tensor1d([-1, ...shape], 'int32');
  const result = backend().executeSingleOutput('Reshape', [type('T', TF_FLOAT), type('Tshape', TF_INT32)], [x, target]);
  target.dispose();
  return result;
}

/**
 * The first element along an axis, which stays, one long.
 *
 * @param x float32 of any shape [n, ...]
 * @param axis 1 or higher
 */
export function firstAlong<T extends Tensor>(x: T, axis: number): T {
  const take = tf.customGrad((...operands) => {
    const [input] = operands as [Tensor];
    const { TF_FLOAT, TF_INT32 } = backend().binding;
    const begin = tf.zeros([input.rank], 'int32');
    const size = tf.tensor1d(
      input.shape.map((_, at) => (at === axis ? 1 : -1)),
      'int32',
    );
    const value = backend().executeSingleOutput(
      'Slice',
      [type('T', TF_FLOAT), type('Index', TF_INT32)],
      [input, begin, size],
    );
    tf.dispose([begin, size]);
    const behind = (input.shape[axis] ?? 1) - 1;
    const paddings = input.shape.map((_, at): [number, number] => [0, at === axis ? behind : 0]);
    return { value, gradFunc: (dy: Tensor) => tf.pad(dy, paddings) };
  });
  return take(x) as T;
}
