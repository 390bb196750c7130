import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EncoderConfig, trainingConfigSchema } from '../contracts/training.ts';
import { bytesOf, encodeSafetensors } from '../store/index.ts';
import { capture } from '../training/capture/index.ts';
import { createTrainingModel } from '../training/model.ts';
import { createVariables } from '../training/parameters.ts';
import { forwardAndBackward } from '../training/step.ts';
import { type Tensor, type Tensor1D, type Tensor4D, tf } from '../training/tensorflow.ts';
import { withFolder } from './folder.ts';
import { encodeNpy } from './npy.ts';
import type { PytorchPeer } from './pytorch/peer.ts';
import { describeEncoder, imageShape, resnet50v2, smallResnet } from './workloads.ts';

export interface AgreementRow {
  readonly encoder: string;
  /** Of SupCon, on the same views. */
  readonly ours: number;
  readonly pytorch: number;
  readonly difference: number;
  /** Of the length of the whole gradient, as a share of it. */
  readonly gradientDifference: number;
  /** Both are within `limits`. */
  readonly ok: boolean;
}

/** A change in the last place turns rectifiers over, and with them shares of a gradient; a wrong layer is seen in both. */
const limits = { loss: 1e-4, gradient: 1e-2 };
const rows = 32;
const encoders = [smallResnet(8, [1, 1]), smallResnet(16), resnet50v2(), resnet50v2('cifar')];

/** Whether PyTorch's networks and loss are ours: what it computes from our weights for our views, float32, in training mode. */
export async function benchAgreement(pytorch: PytorchPeer): Promise<AgreementRow[]> {
  const compared: AgreementRow[] = [];
  for (const encoder of encoders)
    compared.push(
      await withFolder(async (folder) => {
        const ours = await ourLoss(encoder, folder);
        const files = { weights: 'weights.safetensors', views: 'views.npy', labels: 'labels.npy' };
        const paths = Object.fromEntries(Object.entries(files).map(([key, name]) => [key, join(folder, name)]));
        const theirs = await pytorch.lossOf({ encoder, ...(paths as typeof files) });
        const difference = Math.abs(theirs.loss - ours.loss);
        const gradientDifference = Math.abs(theirs.gradient / ours.gradient - 1);
        return {
          encoder: describeEncoder(encoder),
          ours: ours.loss,
          pytorch: theirs.loss,
          difference,
          gradientDifference,
          ok: difference < limits.loss && gradientDifference < limits.gradient,
        };
      }),
    );
  return compared;
}

/** Writes weights, views and labels for the peer. */
async function ourLoss(encoder: EncoderConfig, folder: string): Promise<{ loss: number; gradient: number }> {
  const [height, width, channels] = imageShape;
  const config = trainingConfigSchema.parse({ encoder });
  const format = { height, width, channels, mean: [0], deviation: [1] };
  const model = createTrainingModel(config, format);
  const parameters = model.state.filter(({ name }) => !name.startsWith('optimizer/'));
  const shape = [rows, height, width, channels];
  const views = tf.tidy(() => tf.randomNormal(shape, 0, 1, 'float32', 1).dataSync<'float32'>().slice());
  const labels = Int32Array.from({ length: rows }, (_, row) => row % 5);
  const execution = capture({ variables: createVariables(model.state, 1), resident: {} });
  try {
    const names = parameters.map(({ name }) => name);
    const weights = execution.read(names).map((values, index) => ({
      name: names[index] as string,
      dtype: 'F32' as const,
      shape: parameters[index]?.shape ?? [],
      data: bytesOf(values),
    }));
    await writeFile(join(folder, 'weights.safetensors'), Buffer.concat(encodeSafetensors(weights)));
    await writeFile(join(folder, 'views.npy'), encodeNpy('<f4', shape, views));
    await writeFile(join(folder, 'labels.npy'), encodeNpy('<i4', [rows], labels));
    const step = execution.compile(([images, classes], { variables }) => {
      const { value, outputs, gradients, statistics } = forwardAndBackward(
        model,
        variables,
        [{ images: images as Tensor4D }],
        (projections) => model.objective.loss(projections, classes as Tensor1D, variables),
      );
      tf.dispose([outputs, statistics]);
      const squares = Object.values(gradients).map((gradient: Tensor) => tf.sum(tf.square(gradient)));
      return [value, tf.sqrt(tf.addN(squares))];
    });
    const [loss, gradient] = step(
      { dtype: 'float32', shape, values: views },
      { dtype: 'int32', shape: [rows], values: labels },
    );
    return { loss: loss?.[0] ?? Number.NaN, gradient: gradient?.[0] ?? Number.NaN };
  } finally {
    execution.dispose();
  }
}
