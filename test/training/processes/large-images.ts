/** Takes the gradient of small encoders on large images. A fault of the library ends the process. */
import { createEncoder } from '../../../training/models/create-encoder.ts';
import { createVariables, variable } from '../../../training/parameters.ts';
import { type Scalar, type Tensor4D, tf } from '../../../training/tensorflow.ts';

for (const [side, channels, rows] of [
  [64, 8, 64],
  [64, 4, 64],
  [224, 4, 18],
  [128, 16, 16],
  [100, 12, 8],
] as const) {
  const encoder = createEncoder(
    { name: 'small-resnet', channels, blocks: [1, 1, 1] },
    { height: side, width: side, channels: 3 },
  );
  const variables = createVariables(encoder.parameters, 0);
  const images = tf.randomUniform([rows, side, side, 3], 0, 1, 'float32', 1) as Tensor4D;
  const kernels = encoder.parameters.filter(({ trainable }) => trainable).map(({ name }) => variable(variables, name));
  for (let turn = 0; turn < 3; turn++) {
    const pass = { variables, onBatchStatistics: () => {} };
    const { value, grads } = tf.variableGrads(() => tf.mean(encoder.embed(images, pass)) as Scalar, kernels);
    value.dataSync();
    for (const gradient of Object.values(grads)) gradient.dataSync();
    tf.dispose([value, grads]);
  }
  images.dispose();
}
process.stdout.write('done');
