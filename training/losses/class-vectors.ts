import { type ParameterSpec, type Variables, variable } from '../parameters.ts';
import { type Scalar, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';
import { closedForm } from './closed-form.ts';
import { softmaxCrossEntropy } from './cross-entropy.ts';
import { normalised, oneHot } from './pairs.ts';

/**
 * Losses that compare each row with a learned vector of each class: a softmax classifier on the unit sphere. The vectors are trained
 * with the encoder, are part of the training state, and are thrown away afterwards, as the projection head is.
 */

const name = 'class_vectors/kernel';

/** A vector for each class, [classes, dimension]; only its direction counts. */
export const classVectors = (classes: number, dimension: number): readonly ParameterSpec[] => [
  { name, shape: [classes, dimension], initializer: 'glorot-uniform', trainable: true },
];

/** The vectors as they are now. */
export const classVectorsIn = (variables: Variables): Tensor2D => variable(variables, name) as unknown as Tensor2D;

/** Cosines of rows and class vectors, [rows, classes]. */
const cosines = (projections: Tensor2D, vectors: Tensor2D): Tensor2D =>
  tf.matMul(normalised(projections), normalised(vectors), false, true);

/**
 * Normalised softmax: cross-entropy of softmax(cos(x, w_c) / temperature) without biases (arXiv:1811.12649, section 3; NormFace,
 * arXiv:1704.06369).
 *
 * @param projections float32 [rows, dimension], unnormalised
 * @param labels int32 [rows]
 * @param vectors float32 [classes, dimension], unnormalised
 * @returns the mean over the rows, float32 scalar, differentiable in `projections` and `vectors`
 */
export const normalisedSoftmaxLoss = (
  projections: Tensor2D,
  labels: Tensor1D,
  vectors: Tensor2D,
  { temperature }: { readonly temperature: number },
): Scalar => tf.tidy(() => softmaxCrossEntropy(tf.div(cosines(projections, vectors), temperature) as Tensor2D, labels));

/**
 * ArcFace (arXiv:1801.07698, equation 3): the same of scale * cos(theta_c), with cos(theta_y + margin) in the place of cos(theta_y) for the
 * row's own class y. Where theta_y + margin is past pi, it is cos(theta_y) - margin * sin(margin) instead, so that the loss keeps falling with the
 * angle.
 *
 * @param config.margin in radians
 */
export const arcFaceLoss = (
  projections: Tensor2D,
  labels: Tensor1D,
  vectors: Tensor2D,
  { margin, scale }: { readonly margin: number; readonly scale: number },
): Scalar =>
  tf.tidy(() => {
    const cosine = cosines(projections, vectors);
    const logits = closedForm<Tensor2D>(cosine, (c) => {
      const own = oneHot(labels, cosine.shape[1]);
      const target = tf.sum(tf.mul(c, own), 1, true);
      // The sine's derivative grows without limit towards angles of 0 and pi, where float32 has no digits for it.
      const sine = tf.sqrt(tf.maximum(tf.sub(1, tf.square(target)), 1e-7));
      const [cos, sin] = [Math.cos(margin), Math.sin(margin)];
      const isBefore = tf.cast(tf.greaterEqual(target, -cos), 'float32');
      const choose = (before: ReturnType<typeof tf.add>, after: ReturnType<typeof tf.add>) =>
        tf.add(tf.mul(before, isBefore), tf.mul(after, tf.sub(1, isBefore)));
      const moved = choose(tf.sub(tf.mul(target, cos), tf.mul(sine, sin)), tf.sub(target, margin * sin));
      const slope = choose(tf.add(tf.mul(tf.div(target, sine), sin), cos), tf.onesLike(target));
      return {
        value: tf.add(c, tf.mul(own, tf.sub(moved, target))),
        gradient: tf.add(1, tf.mul(own, tf.sub(slope, 1))),
      };
    });
    return softmaxCrossEntropy(tf.mul(logits, scale) as Tensor2D, labels);
  });
