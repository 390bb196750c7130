import type { OptimizerConfig } from '../../contracts/training.ts';
import { type ParameterSpec, type Variables, variable } from '../parameters.ts';
import { type Tensor, tf } from '../tensorflow.ts';

/** Turns gradients into updates. Its slots are variables by name, saved and restored like any other. */
export interface Optimizer {
  readonly slots: readonly ParameterSpec[];
  /**
   * Updates every trainable variable in place.
   *
   * @param step steps taken before this one, over the whole training
   */
  readonly apply: (
    gradients: Readonly<Record<string, Tensor>>,
    variables: Variables,
    learningRate: number,
    step: number,
  ) => void;
}

const slot = (parameter: ParameterSpec, kind: string): ParameterSpec => ({
  name: `optimizer/${kind}/${parameter.name}`,
  shape: parameter.shape,
  initializer: 'zeros',
  trainable: false,
});

/** Biases and the scales of batch normalisation are vectors; only kernels decay. */
const decays = (parameter: ParameterSpec) => parameter.shape.length > 1;

/** The optimizer that a config names, for the trainable ones of these parameters. */
export function createOptimizer(config: OptimizerConfig, parameters: readonly ParameterSpec[]): Optimizer {
  const trainable = parameters.filter((parameter) => parameter.trainable);
  return config.name === 'adam' ? adam(config, trainable) : sgd(config, trainable);
}

/**
 * Adam (arXiv:1412.6980) with Keras's placement of epsilon; the bias correction comes from the step number, so there are
 * no running powers to save. Weight decay is decoupled (AdamW, arXiv:1711.05101).
 */
function adam(config: Extract<OptimizerConfig, { name: 'adam' }>, trainable: readonly ParameterSpec[]): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = config;
  return {
    slots: trainable.flatMap((parameter) => [slot(parameter, 'm'), slot(parameter, 'v')]),
    apply: (gradients, variables, learningRate, step) => {
      const rate = (learningRate * Math.sqrt(1 - beta2 ** (step + 1))) / (1 - beta1 ** (step + 1));
      for (const parameter of trainable) {
        const { name } = parameter;
        tf.tidy(() => {
          const value = variable(variables, name);
          const m = variable(variables, `optimizer/m/${name}`);
          const v = variable(variables, `optimizer/v/${name}`);
          const gradient = gradients[name] as Tensor;
          m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), 1 - beta1)));
          v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - beta2)));
          const update = tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon));
          const kept = weightDecay > 0 && decays(parameter) ? tf.mul(value, 1 - learningRate * weightDecay) : value;
          value.assign(tf.sub(kept, update));
        });
      }
    },
  };
}

/** SGD with momentum as Keras has it: velocity = momentum * velocity - rate * gradient. Weight decay is L2. */
function sgd(config: Extract<OptimizerConfig, { name: 'sgd' }>, trainable: readonly ParameterSpec[]): Optimizer {
  const { momentum, nesterov, weightDecay } = config;
  return {
    slots: momentum > 0 ? trainable.map((parameter) => slot(parameter, 'velocity')) : [],
    apply: (gradients, variables, learningRate) => {
      for (const parameter of trainable) {
        const { name } = parameter;
        tf.tidy(() => {
          const value = variable(variables, name);
          const raw = gradients[name] as Tensor;
          const gradient = weightDecay > 0 && decays(parameter) ? tf.add(raw, tf.mul(value, weightDecay)) : raw;
          const descent = tf.mul(gradient, learningRate);
          if (momentum === 0) {
            value.assign(tf.sub(value, descent));
            return;
          }
          const velocity = variable(variables, `optimizer/velocity/${name}`);
          velocity.assign(tf.sub(tf.mul(velocity, momentum), descent));
          value.assign(nesterov ? tf.sub(tf.add(value, tf.mul(velocity, momentum)), descent) : tf.add(value, velocity));
        });
      }
    },
  };
}
