import { type Execution, recording } from './capture/index.ts';
import { type ParameterSpec, type Variables, variable } from './parameters.ts';
import { type Tensor, tf } from './tensorflow.ts';

/**
 * An exponential moving average of the weights that are trained (Polyak and Juditsky 1992). Weights that are frozen are their own average;
 * the statistics of batch normalisation are recomputed for the averages when the encoder is taken out.
 *
 * After t updates the average keeps min(decay, (1 + t) / (10 + t)) of itself, as TensorFlow's ExponentialMovingAverage does when it is
 * told the number of updates: so it soon forgets the weights that it began with.
 */
export interface Averages {
  /** Part of the training state, saved and restored like the weights. Zeros as they are made; `startAverages` gives them their first values. */
  readonly variables: readonly ParameterSpec[];
  /** Moves the averages towards the weights. @param updates int32 scalar: updates of the weights before this one */
  readonly update: (variables: Variables, updates: Tensor) => void;
}

const averageOf = (name: string) => `ema/${name}`;

/** @param trained the parameters to average */
export function createAverages({ decay }: { readonly decay: number }, trained: readonly ParameterSpec[]): Averages {
  return {
    variables: trained.map(({ name, shape }) => ({
      ...{ name: averageOf(name), shape },
      initializer: 'zeros',
      trainable: false,
    })),
    update: (variables, updates) => {
      // 1 - min(decay, (1 + t) / (10 + t)), without the rounding of a difference from 1.
      const share = tf.maximum(1 - decay, tf.div(9, tf.add(tf.cast(updates, 'float32'), 10)));
      const graph = recording();
      for (const { name } of trained)
        tf.tidy(() => {
          const average = variable(variables, averageOf(name));
          const lost = tf.mul(tf.sub(average, variable(variables, name)), share);
          if (graph) graph.update('AssignSubVariableOp', [average, lost], { dtype: float });
          else average.assign(tf.sub(average, lost));
        });
    },
  };
}

const float = { kind: 'type', value: 1 } as const;

type Averaged = { readonly averages: Averages | null };

/** Puts values of some variables into others. */
function copy(execution: Pick<Execution, 'read' | 'write'>, names: readonly (readonly [from: string, to: string])[]) {
  if (names.length === 0) return;
  const values = execution.read(names.map(([from]) => from));
  execution.write(new Map(names.map(([, to], index) => [to, values[index] as Float32Array])));
}

const pairs = ({ averages }: Averaged) =>
  (averages?.variables ?? []).map(({ name }) => ({ average: name, weight: name.slice(averageOf('').length) }));

/**
 * The averages begin with the weights as they are.
 *
 * @param has which averages have values already, by their names
 */
export const startAverages = (
  model: Averaged,
  execution: Pick<Execution, 'read' | 'write'>,
  has: (name: string) => boolean = () => false,
): void =>
  copy(
    execution,
    pairs(model).flatMap(({ average, weight }) => (has(average) ? [] : [[weight, average] as const])),
  );

/** Puts the averages in the place of the weights. */
export const takeAverages = (model: Averaged, execution: Pick<Execution, 'read' | 'write'>): void =>
  copy(
    execution,
    pairs(model).map(({ average, weight }) => [average, weight] as const),
  );

/** The tensors of a training state with the averages in the place of the weights, where there are any. */
export const withAverages = <T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
  new Map([...tensors].map(([name, tensor]) => [name, tensors.get(averageOf(name)) ?? tensor]));
