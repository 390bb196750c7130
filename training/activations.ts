import { backend } from './capture/backend.ts';
import { type } from './op-attributes.ts';
import { type Tensor, type Tensor4D, tf } from './tensorflow.ts';

/**
 * Activations with gradients of their own. tfjs would differentiate each operation of the formula and keep every value between.
 */

type Save = (saved: Tensor[]) => void;

const inverseRootOfTwo = Math.SQRT1_2;
const inverseRootOfTwoPi = 1 / Math.sqrt(2 * Math.PI);

/**
 * x Φ(x), with Φ the distribution function of the standard normal distribution, exactly, by the error function (GELU,
 * arXiv:1606.08415).
 *
 * @param x float32 [n, height, width, channels]; @returns float32 of the same shape
 */
export function gelu(x: Tensor4D): Tensor4D {
  const activate = tf.customGrad((...operands) => {
    const [input, save] = operands as [Tensor, Save];
    const share = tf.add(tf.mul(tf.erf(tf.mul(input, inverseRootOfTwo)), 0.5), 0.5);
    save([input, share]);
    return {
      value: tf.mul(input, share),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, ofShare] = saved as [Tensor, Tensor];
        const density = tf.mul(tf.exp(tf.mul(tf.square(at), -0.5)), inverseRootOfTwoPi);
        return tf.mul(dy, tf.add(ofShare, tf.mul(at, density)));
      },
    };
  });
  return activate(x) as Tensor4D;
}

/**
 * min(max(x + 3, 0), 6) / 6 (arXiv:1905.02244).
 *
 * @param x float32 [n, height, width, channels]; @returns float32 of the same shape
 */
export const hardSigmoid = (x: Tensor4D): Tensor4D => tf.mul(clipped(tf.add(x, 3)), 1 / 6);

/**
 * x times `hardSigmoid(x)` (arXiv:1905.02244).
 *
 * @param x float32 [n, height, width, channels]; @returns float32 of the same shape
 */
export function hardSwish(x: Tensor4D): Tensor4D {
  const activate = tf.customGrad((...operands) => {
    const [input, save] = operands as [Tensor, Save];
    const shifted = tf.add(input, 3);
    const sixfold = tf.relu6(shifted);
    save([input, shifted, sixfold]);
    return {
      value: tf.mul(tf.mul(input, 1 / 6), sixfold),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, ofShifted, ofSixfold] = saved as [Tensor, Tensor, Tensor];
        const share = tf.mul(dy, 1 / 6);
        return tf.add(tf.mul(share, ofSixfold), relu6Gradient(tf.mul(share, at), ofShifted));
      },
    };
  });
  return activate(x) as Tensor4D;
}

/** min(max(x, 0), 6) with TensorFlow's own gradient. */
function clipped(x: Tensor): Tensor4D {
  const activate = tf.customGrad((...operands) => {
    const [input, save] = operands as [Tensor, Save];
    save([input]);
    return {
      value: tf.relu6(input),
      gradFunc: (dy: Tensor, [at]: Tensor[]) => relu6Gradient(dy, at as Tensor),
    };
  });
  return activate(x) as Tensor4D;
}

const relu6Gradient = (dy: Tensor, at: Tensor): Tensor =>
  backend().executeSingleOutput('Relu6Grad', [type('T', backend().binding.TF_FLOAT)], [dy, at]);
