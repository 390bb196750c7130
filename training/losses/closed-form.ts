import { type Tensor, tf } from '../tensorflow.ts';

/**
 * A function of one tensor whose gradient is written out instead of derived operation by operation.
 *
 * @param evaluate gives the value, and its derivative for the operand: of a scalar the gradient, in the shape of the operand; of a value
 * of the operand's shape, each element's derivative for the same element
 * @returns the value, differentiable once in `operand`
 */
export function closedForm<T extends Tensor>(
  operand: Tensor,
  evaluate: (values: Tensor) => { readonly value: Tensor; readonly gradient: Tensor },
): T {
  const run = tf.customGrad((...operands) => {
    const [values, save] = operands as [Tensor, (saved: Tensor[]) => void];
    const { value, gradient } = evaluate(values);
    save([gradient]);
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => [tf.mul(dy, saved[0] as Tensor)] };
  });
  return run(operand) as T;
}
