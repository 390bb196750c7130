import { recording } from '../capture/index.ts';
import { type ParameterSpec, type Variables, variable } from '../parameters.ts';
import { type Scalar, type Tensor, tf } from '../tensorflow.ts';

/**
 * Dynamic loss scaling (arXiv:1710.03740, section 3.2) by the rule of TensorFlow's and Keras's LossScaleOptimizer.
 *
 * Small gradients vanish in float16, so the gradient of the loss is multiplied by a scale before it goes backward, and
 * those of the weights are divided by it in float32. When one of them is not finite, the update is left out and the scale
 * is halved; after `growthSteps` updates in a row it doubles. Scales are powers of two, so scaling itself rounds nothing.
 *
 * I1. An update that is left out changes no variable but those in `variables` here.
 */
export interface LossScale {
  /** Part of the training state, saved and restored like the weights. */
  readonly variables: readonly ParameterSpec[];
  /** The loss itself; only the gradient that goes backward from here is scaled. */
  readonly scaled: (loss: Scalar, variables: Variables) => Scalar;
  /**
   * Updates by unscaled gradients where all of them are finite, and adapts the scale.
   *
   * @param step int32 scalar: steps taken before this one, over the whole training
   * @param update changes variables; it is given the gradients and the number of updates before this one, int32 scalar
   * @returns float32 scalar, an `UpdateOutcome`
   */
  readonly update: (
    scaledGradients: Readonly<Record<string, Tensor>>,
    variables: Variables,
    step: Tensor,
    update: (gradients: Readonly<Record<string, Tensor>>, updates: Tensor) => void,
  ) => Scalar;
}

/** What became of an update, as a step gives it back beside its loss. */
export const UpdateOutcome = {
  applied: 1,
  /** Left out; the scale was halved. */
  skipped: 0,
  /** Left out, and the scale was 1 already: the arithmetic has nothing to give any more. */
  exhausted: -1,
} as const;

const initialScale = 2 ** 15;
const growthSteps = 2000;
/** Far from where float32 ends. Encoders in float16 overflow long before. */
const largestScale = 2 ** 100;

const names = {
  scale: 'loss-scale/scale',
  /** Updates since the scale last changed. */
  good: 'loss-scale/good_steps',
  /** Updates left out so far. */
  skipped: 'loss-scale/skipped_steps',
} as const;

export function createLossScale(): LossScale {
  const spec = (name: string, initializer: ParameterSpec['initializer']): ParameterSpec => ({
    name,
    shape: [],
    initializer,
    trainable: false,
  });
  return {
    variables: [spec(names.scale, initialScale), spec(names.good, 'zeros'), spec(names.skipped, 'zeros')],
    scaled: (loss, variables) => {
      const scale = variable(variables, names.scale);
      const pass = tf.customGrad((...operands) => ({
        value: tf.clone(operands[0] as Tensor),
        gradFunc: (dy: Tensor) => tf.mul(dy, scale),
      }));
      return pass(loss) as Scalar;
    },
    update: (scaledGradients, variables, step, update) => {
      const graph = recording();
      if (!graph) throw new Error('loss scaling needs a captured step');
      const [scale, good, skipped] = [names.scale, names.good, names.skipped].map((name) => variable(variables, name));
      if (!scale || !good || !skipped) throw new Error('loss scaling has three variables');
      const finite = Object.values(scaledGradients)
        .map((gradient) => tf.all(tf.isFinite(gradient)))
        .reduce((all, one) => tf.logicalAnd(all, one)) as Scalar;
      const gradients = Object.fromEntries(
        Object.entries(scaledGradients).map(([name, gradient]) => [name, tf.div(gradient, scale)]),
      );
      // A zero gradient or learning rate would not do: Adam's moments and momentum's velocity still decay, and batch
      // normalisation and the queue have no gradient. So the operations that change variables do not run at all. Adam's bias
      // correction counts updates, not steps: the moments have seen no more.
      graph.when(finite, () => update(gradients, tf.sub(step, tf.cast(skipped, 'int32'))));

      const grown = tf.greaterEqual(tf.add(good, 1), growthSteps);
      const larger = tf.where(grown, tf.minimum(tf.mul(scale, 2), largestScale), scale);
      const failed = tf.where(tf.lessEqual(scale, 1), tf.scalar(UpdateOutcome.exhausted), UpdateOutcome.skipped);
      const outcome = tf.where(finite, tf.scalar(UpdateOutcome.applied), failed) as Scalar;
      const smaller = tf.maximum(tf.div(scale, 2), 1);
      scale.assign(tf.where(finite, larger, smaller));
      good.assign(tf.where(tf.logicalAnd(finite, tf.logicalNot(grown)), tf.add(good, 1), tf.zerosLike(good)));
      skipped.assign(tf.where(finite, skipped, tf.add(skipped, 1)));
      return outcome;
    },
  };
}
