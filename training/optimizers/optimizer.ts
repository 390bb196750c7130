import type { OptimizerConfig } from '../../contracts/training.ts';
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

/** Biases and the scales of batch normalisation are vectors; only kernels decay. */
const decays = (parameter: ParameterSpec) => parameter.shape.length > 1;

/** The optimizer that a config names, for the trainable ones of these parameters. */
export function createOptimizer(config: OptimizerConfig, parameters: readonly ParameterSpec[]): Optimizer {
  const trainable = parameters.filter((parameter) => parameter.trainable);
  return config.name === 'adam' ? adam(config, trainable) : sgd(config, trainable);
}

const float = { kind: 'type', value: 1 } as const;

/**
 * Adam (arXiv:1412.6980) with Keras's placement of epsilon; the bias correction comes from the step number, so there are
 * no running powers to save. Weight decay is decoupled (AdamW, arXiv:1711.05101).
 */
function adam(config: Extract<OptimizerConfig, { name: 'adam' }>, trainable: readonly ParameterSpec[]): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = config;
  return {
    slots: trainable.flatMap((parameter) => [slot(parameter, 'm'), slot(parameter, 'v')]),
    apply: (gradients, variables, learningRate, step) => {
      const taken = tf.add(tf.cast(step, 'float32'), 1);
      const powers = [tf.pow(beta1, taken), tf.pow(beta2, taken)] as const;
      const rate = tf.div(tf.mul(learningRate, tf.sqrt(tf.sub(1, powers[1]))), tf.sub(1, powers[0]));
      const graph = recording();
      for (const parameter of trainable) {
        const { name } = parameter;
        tf.tidy(() => {
          const value = variable(variables, name);
          const m = variable(variables, `optimizer/m/${name}`);
          const v = variable(variables, `optimizer/v/${name}`);
          const gradient = gradients[name] as Tensor;
          if (weightDecay > 0 && decays(parameter)) decay(value, tf.mul(learningRate, weightDecay));
          if (graph) {
            const numbers = [beta1, beta2, epsilon].map((number) => tf.scalar(number));
            const operands = [value, m, v, ...powers, learningRate, ...numbers, gradient];
            graph.update('ResourceApplyAdam', operands, { T: float });
            return;
          }
          m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), 1 - beta1)));
          v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - beta2)));
          value.assign(tf.sub(value, tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon))));
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
function sgd(config: Extract<OptimizerConfig, { name: 'sgd' }>, trainable: readonly ParameterSpec[]): Optimizer {
  const { momentum, nesterov, weightDecay } = config;
  return {
    slots: momentum > 0 ? trainable.map((parameter) => slot(parameter, 'velocity')) : [],
    apply: (gradients, variables, learningRate) => {
      const graph = recording();
      for (const parameter of trainable) {
        const { name } = parameter;
        tf.tidy(() => {
          const value = variable(variables, name);
          const raw = gradients[name] as Tensor;
          const gradient = weightDecay > 0 && decays(parameter) ? tf.add(raw, tf.mul(value, weightDecay)) : raw;
          if (momentum === 0) {
            if (graph) graph.update('ResourceApplyGradientDescent', [value, learningRate, gradient], { T: float });
            else value.assign(tf.sub(value, tf.mul(gradient, learningRate)));
            return;
          }
          const velocity = variable(variables, `optimizer/velocity/${name}`);
          if (graph) {
            graph.update('ResourceApplyKerasMomentum', [value, velocity, learningRate, gradient, tf.scalar(momentum)], {
              T: float,
              use_nesterov: { kind: 'bool', value: nesterov },
            });
            return;
          }
          const descent = tf.mul(gradient, learningRate);
          velocity.assign(tf.sub(tf.mul(velocity, momentum), descent));
          value.assign(nesterov ? tf.sub(tf.add(value, tf.mul(velocity, momentum)), descent) : tf.add(value, velocity));
        });
      }
    },
  };
}
