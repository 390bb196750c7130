import type { OptimizerConfig } from '../../contracts/optimizer.ts';
import { recording } from '../capture/index.ts';
import { type ParameterSpec, type Variables, variable } from '../parameters.ts';
import { type Scalar, type Tensor, tf, type Variable } from '../tensorflow.ts';

/** Turns gradients into updates. Its slots are variables by name, saved and restored like any other. */
export interface Optimizer {
  readonly slots: readonly ParameterSpec[];
  /**
   * Updates every trainable variable in place: by TensorFlow's fused operations in a captured step, else by the same
   * arithmetic in elementary ones.
   *
   * @param learningRate float32 scalar
   * @param step int32 scalar: steps taken before this one, over the whole training
   */
  readonly apply: (
    gradients: Readonly<Record<string, Tensor>>,
    variables: Variables,
    learningRate: Scalar,
    step: Tensor,
  ) => void;
}

const slot = (parameter: ParameterSpec, kind: string): ParameterSpec => ({
  name: `optimizer/${kind}/${parameter.name}`,
  shape: parameter.shape,
  initializer: 'zeros',
  trainable: false,
});

/** Biases and the scales of batch normalisation are vectors; only kernels decay, but for those that say otherwise. */
const decays = (parameter: ParameterSpec) => parameter.decays !== false && parameter.shape.length > 1;

/**
 * The optimizer that a config names, for the trainable ones of these parameters.
 *
 * @param rateShares what the learning rate is multiplied by, by the name of a parameter; 1 where a name is not there
 */
export function createOptimizer(
  config: OptimizerConfig,
  parameters: readonly ParameterSpec[],
  rateShares: ReadonlyMap<string, number> = new Map(),
): Optimizer {
  const trainable = parameters.filter((parameter) => parameter.trainable);
  return config.name === 'adam' ? adam(config, trainable, rateShares) : sgd(config, trainable, rateShares);
}

/** Gives each parameter its share of a rate, float32 scalar; each product is computed once. */
function sharesOf(rate: Scalar, rateShares: ReadonlyMap<string, number>): (name: string) => Scalar {
  const shares = [...new Set(rateShares.values())].filter((share) => share !== 1);
  const rates = new Map(shares.map((share) => [share, tf.mul(rate, share) as Scalar]));
  return (name) => rates.get(rateShares.get(name) ?? 1) ?? rate;
}

const float = { kind: 'type', value: 1 } as const;

/**
 * Adam (arXiv:1412.6980) with Keras's placement of epsilon; the bias correction comes from the step number, so there are
 * no running powers to save. Weight decay is decoupled (AdamW, arXiv:1711.05101).
 */
function adam(
  config: Extract<OptimizerConfig, { name: 'adam' }>,
  trainable: readonly ParameterSpec[],
  rateShares: ReadonlyMap<string, number>,
): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = config;
  return {
    slots: trainable.flatMap((parameter) => [slot(parameter, 'm'), slot(parameter, 'v')]),
    apply: (gradients, variables, learningRate, step) => {
      const taken = tf.add(tf.cast(step, 'float32'), 1);
      const powers = [tf.pow(beta1, taken), tf.pow(beta2, taken)] as const;
      const corrected: Scalar = tf.div(tf.mul(learningRate, tf.sqrt(tf.sub(1, powers[1]))), tf.sub(1, powers[0]));
      const [rateOf, correctedOf] = [sharesOf(learningRate, rateShares), sharesOf(corrected, rateShares)];
      const graph = recording();
      for (const parameter of trainable) {
        const { name } = parameter;
        tf.tidy(() => {
          const value = variable(variables, name);
          const m = variable(variables, `optimizer/m/${name}`);
          const v = variable(variables, `optimizer/v/${name}`);
          const gradient = gradients[name] as Tensor;
          if (weightDecay > 0 && decays(parameter)) decay(value, tf.mul(rateOf(name), weightDecay));
          if (graph) {
            const numbers = [beta1, beta2, epsilon].map((number) => tf.scalar(number));
            const operands = [value, m, v, ...powers, rateOf(name), ...numbers, gradient];
            graph.update('ResourceApplyAdam', operands, { T: float });
            return;
          }
          m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), 1 - beta1)));
          v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - beta2)));
          value.assign(tf.sub(value, tf.div(tf.mul(m, correctedOf(name)), tf.add(tf.sqrt(v), epsilon))));
        });
      }
    },
  };
}

function decay(value: Variable, share: Tensor): void {
  const lost = tf.mul(value, share);
  const graph = recording();
  if (graph) graph.update('AssignSubVariableOp', [value, lost], { dtype: float });
  else value.assign(tf.sub(value, lost));
}

/** SGD with momentum as Keras has it: velocity = momentum * velocity - rate * gradient. Weight decay is L2. */
function sgd(
  config: Extract<OptimizerConfig, { name: 'sgd' }>,
  trainable: readonly ParameterSpec[],
  rateShares: ReadonlyMap<string, number>,
): Optimizer {
  const { momentum, nesterov, weightDecay } = config;
  return {
    slots: momentum > 0 ? trainable.map((parameter) => slot(parameter, 'velocity')) : [],
    apply: (gradients, variables, learningRate) => {
      const rateOf = sharesOf(learningRate, rateShares);
      const graph = recording();
      for (const parameter of trainable) {
        const { name } = parameter;
        const rate = rateOf(name);
        tf.tidy(() => {
          const value = variable(variables, name);
          const raw = gradients[name] as Tensor;
          const gradient = weightDecay > 0 && decays(parameter) ? tf.add(raw, tf.mul(value, weightDecay)) : raw;
          if (momentum === 0) {
            if (graph) graph.update('ResourceApplyGradientDescent', [value, rate, gradient], { T: float });
            else value.assign(tf.sub(value, tf.mul(gradient, rate)));
            return;
          }
          const velocity = variable(variables, `optimizer/velocity/${name}`);
          if (graph) {
            graph.update('ResourceApplyKerasMomentum', [value, velocity, rate, gradient, tf.scalar(momentum)], {
              T: float,
              use_nesterov: { kind: 'bool', value: nesterov },
            });
            return;
          }
          const descent = tf.mul(gradient, rate);
          velocity.assign(tf.sub(tf.mul(velocity, momentum), descent));
          value.assign(nesterov ? tf.sub(tf.add(value, tf.mul(velocity, momentum)), descent) : tf.add(value, velocity));
        });
      }
    },
  };
}
