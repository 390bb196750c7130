import { type Scalar, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../../training/tensorflow.ts';
import type { StepWorkload } from '../step-peer.ts';
import { withHead } from './models.ts';

/** The supervised contrastive loss, equation 2 of arXiv:2004.11362, as `keras/loss.py` has it. */
function supcon(projections: Tensor2D, labels: Tensor1D, temperature = 0.05): Scalar {
  const squares = tf.sum(tf.square(projections), 1, true);
  const unit = tf.mul(projections, tf.rsqrt(tf.maximum(squares, 1e-12))) as Tensor2D;
  const similarities = tf.div(tf.matMul(unit, unit, false, true), temperature);
  const self = tf.eye(labels.size);
  const sameClass = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.expandDims(labels, 0)), 'float32');
  const positive = tf.sub(sameClass, self);
  const positives = tf.sum(positive, 1);
  const others = tf.logSumExp(tf.sub(similarities, tf.mul(self, 1e9)), 1);
  const mean = tf.div(tf.sum(tf.mul(positive, similarities), 1), tf.maximum(positives, 1));
  const valid = tf.cast(tf.greater(positives, 0), 'float32');
  return tf.div(tf.sum(tf.mul(tf.sub(others, mean), valid)), tf.maximum(tf.sum(valid), 1)) as Scalar;
}

/** A training step of tfjs itself, on random views made once, and the disposal of what it holds. */
export function openStep({ encoder, batch, optimizer, image }: StepWorkload) {
  if (optimizer !== 'adam') throw new Error('the peer trains by Adam with its default settings');
  const model = withHead(encoder, image);
  const adam = tf.train.adam(0.001);
  const views = tf.randomNormal([2 * batch, ...image], 0, 1, 'float32', 0) as Tensor4D;
  const labels = tf.tensor1d(
    Int32Array.from({ length: 2 * batch }, (_, row) => (row % batch) % 10),
    'int32',
  );
  const take = (): number =>
    tf.tidy(() => {
      const loss = () => supcon(model.apply(views, { training: true }) as Tensor2D, labels);
      return adam.minimize(loss, true)?.dataSync()[0] ?? Number.NaN;
    });
  return {
    parameters: model.countParams(),
    run: (count: number) => {
      const milliseconds: number[] = [];
      let loss = Number.NaN;
      for (let index = 0; index < count; index++) {
        const started = performance.now();
        loss = take();
        milliseconds.push(performance.now() - started);
      }
      return { milliseconds, loss };
    },
    dispose: () => {
      model.dispose();
      adam.dispose();
      views.dispose();
      labels.dispose();
    },
  };
}
