import { seedPair } from '../datasets/index.ts';
import { statelessNormal, statelessUniform } from './ops.ts';
import { type Tensor, tf, type Variable } from './tensorflow.ts';

/**
 * How a parameter begins. Glorot's uniform distribution for kernels, as in Keras; a number stands for all elements; `normal` is
 * the standard deviation of a normal distribution of mean 0, `uniform` the limit of a uniform one.
 */
export type Initializer =
  | 'glorot-uniform'
  | 'zeros'
  | 'ones'
  | number
  | { readonly normal: number }
  | { readonly uniform: number };

/** One named tensor of a model. */
export interface ParameterSpec {
  /** `layer/weight`, as Keras names it, or `layer.weight`, as timm does. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** False for the moving statistics of batch normalisation, which are updated but not learned. */
  readonly trainable: boolean;
  /** False where weight decay must not pull it towards 0, whatever its rank: class tokens, position embeddings. Vectors never decay. */
  readonly decays?: false;
}

/** Variables by parameter name. */
export type Variables = ReadonlyMap<string, Variable>;

/** The number of scalars in the parameters. */
export const countParameters = (specs: readonly ParameterSpec[]): number =>
  specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** Makes the variables. Each draw is a function of the seed and the parameter's name alone. */
export function createVariables(specs: readonly ParameterSpec[], seed: number): Variables {
  return new Map(
    specs.map((spec) => [spec.name, tf.tidy(() => tf.variable(initialValue(spec, seed), spec.trainable))]),
  );
}

function initialValue({ name, shape, initializer }: ParameterSpec, seed: number): Tensor {
  if (initializer === 'zeros') return tf.zeros([...shape]);
  if (initializer === 'ones') return tf.ones([...shape]);
  if (typeof initializer === 'number') return tf.fill([...shape], initializer);
  const seeds = tf.tensor1d(seedPair(seed, `initial ${name}`), 'int32');
  if (typeof initializer === 'object' && 'normal' in initializer)
    return tf.mul(statelessNormal(shape, seeds), initializer.normal);
  const limit = typeof initializer === 'object' ? initializer.uniform : glorotLimit(shape);
  return tf.mul(tf.sub(tf.mul(statelessUniform(shape, seeds), 2), 1), limit);
}

function glorotLimit(shape: readonly number[]): number {
  const receptive = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const [fanIn = 1, fanOut = 1] = shape.slice(-2).map((n) => n * receptive);
  return Math.sqrt(6 / (fanIn + fanOut));
}

/** The variable of that name. */
export function variable(variables: Variables, name: string): Variable {
  const found = variables.get(name);
  if (!found) throw new Error(`no parameter is named ${name}`);
  return found;
}

/** Frees the variables. */
export function disposeVariables(variables: Variables): void {
  for (const each of variables.values()) each.dispose();
}
