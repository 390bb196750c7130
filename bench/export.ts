import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { artifactRefSchema } from '../contracts/artifacts.ts';
import type { EncoderConfig } from '../contracts/training.ts';
import { runProgram } from '../native/programs.ts';
import { decodeSafetensors, digestOf, float32 } from '../store/index.ts';
import { openEncoder } from '../training/index.ts';
import type { KerasPeer } from './keras/peer.ts';
import { encodeNpy } from './npy.ts';
import { largestDifference } from './statistics.ts';
import { withServices } from './temporal.ts';
import { pipelineOf } from './training-run.ts';
import { describeEncoder, resnet50v2, smallResnet } from './workloads.ts';

export interface ExportRow {
  readonly encoder: string;
  /** An output of the SavedModel, or a file. */
  readonly compared: string;
  /** Images in the batch, or tensors in the file. */
  readonly count: number;
  /** The largest difference of a number; null where bits are compared. */
  readonly difference: number | null;
  /** How many labels, or tensors by their SHA-256, are not the same; null where numbers are compared. */
  readonly differing: number | null;
  readonly limit: number;
  readonly ok: boolean;
}

/** What two orders of float32 additions may differ by over the 50 layers of ResNet50V2. */
const difference = 2e-5;
const batches = [1, 3, 64];

const trainings: readonly { encoder: EncoderConfig; images: number; batch: number }[] = [
  { encoder: smallResnet(16), images: 400, batch: 32 },
  { encoder: resnet50v2(), images: 160, batch: 16 },
];

/**
 * A pipeline's encoder and classifier, exported by `contrail export`: what Python's TensorFlow and safetensors read against
 * what we compute and wrote. Differences of embeddings are relative to the largest embedding.
 */
export async function benchExport(keras: KerasPeer): Promise<ExportRow[]> {
  return withServices(async ({ home, store, run }) => {
    const rows: ExportRow[] = [];
    for (const [index, { encoder, images, batch }] of trainings.entries()) {
      const probe = { uses: 'linear-probe', needs: ['pretrain'], with: { epochs: 20, learningRates: [0.01] } };
      const training = { images, parameters: { encoder, batch, epochs: 1 } };
      const results = await run(`export-${index}`, pipelineOf(training, { probe }));
      const folder = join(home.folder, `exported-${index}`);
      await exportRun(`export-${index}`, folder, home.folder);
      const name = describeEncoder(encoder);

      const weights = decodeSafetensors(await readFile(join(folder, 'classifier.safetensors'))).tensors;
      const [kernel, bias] = ['kernel', 'bias'].map((each) => {
        const tensor = weights.get(each);
        if (!tensor) throw new Error(`the exported classifier has no ${each}`);
        return float32(tensor);
      }) as [Float32Array, Float32Array];
      const frozen = await openEncoder(store, artifactRefSchema.parse(results.pretrain?.encoder));
      try {
        for (const count of batches) {
          const { height, width, channels } = frozen.about.image;
          const values = madeBytes(count * height * width * channels);
          const file = join(home.folder, `images-${count}.npy`);
          await writeFile(file, encodeNpy('|u1', [count, height, width, channels], values));
          const theirs = await keras.runSavedModel(join(folder, 'saved_model'), file);
          const embedding = await frozen.features(values, count);
          const { probabilities, labels } = predict(embedding, count, kernel, bias);
          const numbers = (compared: string, value: number) => ({
            ...{ encoder: name, compared, count, difference: value, differing: null, limit: difference },
            ok: value <= difference,
          });
          const scale = embedding.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const wrong = labels.filter((label, row) => label !== theirs.label?.[row]).length;
          rows.push(
            numbers('embedding', largestDifference(embedding, theirs.embedding ?? []) / scale),
            numbers('probabilities', largestDifference(probabilities, theirs.probabilities ?? [])),
            { encoder: name, compared: 'label', count, difference: null, differing: wrong, limit: 0, ok: wrong === 0 },
          );
        }
      } finally {
        frozen.dispose();
      }
      for (const file of ['encoder.safetensors', 'classifier.safetensors']) {
        const { tensors } = decodeSafetensors(await readFile(join(folder, file)));
        const theirs = await keras.tensorDigests(join(folder, file));
        const missing = Object.keys(theirs).filter((each) => !tensors.has(each)).length;
        const wrong =
          [...tensors].filter(([each, { data }]) => digestOf(data).sha256 !== theirs[each]).length + missing;
        rows.push({
          ...{ encoder: name, compared: file, count: tensors.size, difference: null, differing: wrong, limit: 0 },
          ok: wrong === 0,
        });
      }
    }
    return rows;
  });
}

/** `contrail export` itself. */
async function exportRun(run: string, to: string, home: string): Promise<void> {
  const command = fileURLToPath(new URL('../cli/contrail.mjs', import.meta.url));
  await runProgram(process.execPath, [command, 'export', run, '--to', to], { CONTRAIL_HOME: home });
}

/** Softmax regression in float64. */
function predict(features: Float32Array, count: number, kernel: Float32Array, bias: Float32Array) {
  const [classes, dimension] = [bias.length, features.length / count];
  const probabilities: number[] = [];
  const labels: number[] = [];
  for (let row = 0; row < count; row++) {
    const logits = Array.from(bias, (offset, label) => {
      let sum = offset;
      for (let at = 0; at < dimension; at++)
        sum += (features[row * dimension + at] ?? Number.NaN) * (kernel[at * classes + label] ?? Number.NaN);
      return sum;
    });
    const largest = Math.max(...logits);
    const exponentials = logits.map((logit) => Math.exp(logit - largest));
    const total = exponentials.reduce((a, b) => a + b, 0);
    probabilities.push(...exponentials.map((value) => value / total));
    labels.push(logits.indexOf(largest));
  }
  return { probabilities, labels };
}

const madeBytes = (size: number): Uint8Array =>
  Uint8Array.from(
    { length: size },
    (_, at) => 128 + 100 * Math.sin(at * 0.05 + (at >> 10)) + (Math.imul(at, 2654435761) >>> 28),
  );
