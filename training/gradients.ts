import { type ParameterSpec, type Variables, variable } from './parameters.ts';
import { type Scalar, type Tensor, tf } from './tensorflow.ts';

/** By parameter name. */
export type Gradients = Readonly<Record<string, Tensor>>;

/** The value of a loss, and its gradient for each of some parameters. */
export function gradientsOf(
  loss: () => Scalar,
  parameters: readonly ParameterSpec[],
  variables: Variables,
): { readonly value: Scalar; readonly gradients: Gradients } {
  const { value, grads } = tf.variableGrads(
    loss,
    parameters.map(({ name }) => variable(variables, name)),
  );
  // tfjs keys gradients by the variable's own generated name.
  const named = parameters.map(({ name }) => [name, grads[variable(variables, name).name] as Tensor] as const);
  return { value, gradients: Object.fromEntries(named) };
}
