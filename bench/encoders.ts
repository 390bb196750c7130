import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncoderConfig } from '../contracts/training.ts';
import { bytesOf, encodeSafetensors, type StoredTensor } from '../store/index.ts';
import { capture, type Step } from '../training/capture/index.ts';
import { createEncoder } from '../training/models/create-encoder.ts';
import type { EncoderModel } from '../training/models/encoder.ts';
import { countParameters, createVariables, type ParameterSpec, variable } from '../training/parameters.ts';
import { type Scalar, type Tensor, type Tensor4D, tf } from '../training/tensorflow.ts';
import { type EncoderWorkload, encoderWorkloads, madeValue } from './encoder-workloads.ts';
import { withFolder } from './folder.ts';
import { encodeNpy } from './npy.ts';
import { openOurs } from './ours.ts';
import type { EncoderFiles, PytorchPeer } from './pytorch/peer.ts';
import type { PytorchPeers } from './steps.ts';
import { describeEncoder, describeViews } from './workloads.ts';

export interface EncoderRow {
  readonly encoder: string;
  readonly parameters: number;
  /** The largest difference of an embedding from PyTorch's, as a share of its length, at each of the sizes. */
  readonly sizes: string;
  readonly embeddings: number;
  /** The same of the whole gradient, at the first size, in training mode. */
  readonly gradient: number;
  /** And of the parameter for which it is largest. */
  readonly worstGradient: number;
  readonly ok: boolean;
}

/** Milliseconds of processor time of a SupCon step with Adam, the least of all turns. */
export interface EncoderStepRow {
  readonly encoder: string;
  readonly views: string;
  readonly side: number;
  readonly ours: number;
  readonly pytorch: number;
  readonly pytorchCompiled: number;
}

/** Rectifiers at zero and batch norms of few pixels make more of rounding than the rest. */
const limits = { embeddings: 1e-4, gradient: 1e-2 };
const images = 4;
const [batch, side] = [16, 64];

/** The rows of encoders of which the name has a part in common with `only`. */
async function rowsOf<Row>(only: string, row: (workload: EncoderWorkload) => Promise<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const each of encoderWorkloads.filter(({ encoder }) => describeEncoder(encoder).includes(only))) {
    rows.push(await row(each));
    // A table of many minutes tells what it has so far.
    process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
  return rows;
}

/**
 * The encoders that timm and torchvision have, whole: what PyTorch gives for our weights.
 *
 * @param only picks encoders by a part of their names
 */
export const benchEncoders = (pytorch: PytorchPeer, only: string): Promise<EncoderRow[]> =>
  rowsOf(only, (workload) => withFolder((folder) => compare(workload, folder, pytorch)));

/** A training step of each, beside PyTorch's. */
export const benchEncoderSteps = (pytorch: PytorchPeers, turns: number, only: string): Promise<EncoderStepRow[]> =>
  rowsOf(only, ({ encoder }) => steps(encoder, pytorch, turns));

async function compare({ encoder, sizes }: EncoderWorkload, folder: string, pytorch: PytorchPeer) {
  const [first] = sizes;
  const image = [first, first, 3] as const;
  const model = createEncoder(encoder, { height: first, width: first, channels: 3 });
  const variables = createVariables(model.parameters, 1);
  for (const spec of model.parameters) tf.tidy(() => variable(variables, spec.name).assign(madeValue(spec)));
  const execution = capture({ variables, resident: {} });
  const file = (name: string) => join(folder, name);
  const stored = (specs: readonly ParameterSpec[], values: readonly Float32Array[]): StoredTensor[] =>
    specs.map(({ name, shape }, at) => ({ name, dtype: 'F32', shape, data: bytesOf(values[at] as Float32Array) }));
  const save = (name: string, tensors: StoredTensor[]) =>
    writeFile(file(name), Buffer.concat(encodeSafetensors(tensors)));
  const files = (size: number): EncoderFiles => ({
    ...{ encoder, image },
    weights: file('weights.safetensors'),
    images: file(`images-${size}.npy`),
  });
  const made = (shape: readonly number[]) =>
    tf.tidy(() =>
      tf
        .randomNormal([...shape], 0, 1, 'float32', 1)
        .dataSync<'float32'>()
        .slice(),
    );
  try {
    const weights = execution.read(model.parameters.map(({ name }) => name)) as Float32Array[];
    await save('weights.safetensors', stored(model.parameters, weights));
    const embed = execution.compile(([x], state) => [model.embed(x as Tensor4D, state)]);
    let [embeddings, parameters] = [0, 0];
    for (const size of sizes) {
      const shape = [images, size, size, 3];
      const values = made(shape);
      await writeFile(file(`images-${size}.npy`), encodeNpy('<f4', shape, values));
      const [rows] = embed({ dtype: 'float32', shape, values }) as [Float32Array];
      await writeFile(file('embeddings.npy'), encodeNpy('<f4', [images, model.dimension], rows));
      const theirs = await pytorch.compareEmbeddings({ ...files(size), embeddings: file('embeddings.npy') });
      embeddings = Math.max(embeddings, theirs.difference);
      parameters = theirs.parameters;
    }
    if (parameters !== countParameters(model.parameters))
      throw new Error(`PyTorch has ${parameters} parameters where we have ${countParameters(model.parameters)}`);
    const shape = [images, first, first, 3];
    const direction = made([images, model.dimension]);
    await writeFile(file('direction.npy'), encodeNpy('<f4', [images, model.dimension], direction));
    const learned = model.parameters.filter(({ trainable }) => trainable);
    const gradients = execution.compile(gradientStep(model, learned))(
      { dtype: 'float32', shape, values: made(shape) },
      { dtype: 'float32', shape: [images, model.dimension], values: direction },
    ) as Float32Array[];
    await save('gradients.safetensors', stored(learned, gradients));
    const theirs = await pytorch.compareGradients({
      ...files(first),
      direction: file('direction.npy'),
      gradients: file('gradients.safetensors'),
    });
    return {
      encoder: describeEncoder(encoder),
      parameters,
      sizes: sizes.join(', '),
      embeddings,
      gradient: theirs.difference,
      worstGradient: theirs.worst,
      ok: embeddings < limits.embeddings && theirs.difference < limits.gradient,
    };
  } finally {
    execution.dispose();
  }
}

/** Inputs: images and a direction, float32 [n, dimension]. Outputs: the gradient of each parameter. */
const gradientStep =
  ({ embed }: EncoderModel, learned: readonly ParameterSpec[]): Step =>
  ([x, direction], { variables }) => {
    const of = learned.map(({ name }) => variable(variables, name));
    const { grads } = tf.variableGrads(() => {
      const rows = embed(x as Tensor4D, { variables, onBatchStatistics: () => {} });
      return tf.sum(tf.mul(rows, direction as Tensor)) as Scalar;
    }, of);
    return of.map(({ name }) => grads[name] as Tensor);
  };

/** The three take turns, in processor time: the table is made beside other programs. */
async function steps(
  encoder: EncoderConfig,
  { eager, compiled }: PytorchPeers,
  turns: number,
): Promise<EncoderStepRow> {
  // Sides of a multiple of 14 where the patches are.
  const size = encoder.name === 'vit' && encoder.patch === 14 ? 56 : side;
  const step = { encoder, batch, optimizer: 'adam', image: [size, size, 3] } as const;
  const ours = openOurs(step);
  const least = { ours: Number.POSITIVE_INFINITY, eager: Number.POSITIVE_INFINITY, compiled: Number.POSITIVE_INFINITY };
  const peers = [
    ['eager', eager],
    ['compiled', compiled],
  ] as const;
  try {
    ours.run(2);
    for (const [, peer] of peers) {
      await peer.openStep(step);
      await peer.runSteps(1);
    }
    for (let turn = 0; turn < turns; turn++) {
      const before = process.cpuUsage();
      ours.run(1);
      const { user, system } = process.cpuUsage(before);
      least.ours = Math.min(least.ours, (user + system) / 1000);
      for (const [name, peer] of peers)
        least[name] = Math.min(least[name], ...(await peer.runSteps(1)).processorMilliseconds);
    }
    const names = { encoder: describeEncoder(encoder), views: describeViews(batch), side: size };
    return { ...names, ours: least.ours, pytorch: least.eager, pytorchCompiled: least.compiled };
  } finally {
    ours.dispose();
  }
}
