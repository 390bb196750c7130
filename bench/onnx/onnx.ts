import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type EncoderConfig, encoderSchema } from '../../contracts/training.ts';
import { runProgram } from '../../native/programs.ts';
import { recordForExport } from '../../training/capture/export.ts';
import { capture } from '../../training/capture/index.ts';
import { embeddingStep } from '../../training/features.ts';
import { createEncoder } from '../../training/models/create-encoder.ts';
import { onnxModel } from '../../training/onnx/model.ts';
import { createVariables, variable } from '../../training/parameters.ts';
import { tf } from '../../training/tensorflow.ts';
import { encoderWorkloads, madeValue } from '../encoder-workloads.ts';
import { withFolder } from '../folder.ts';
import { encodeNpy } from '../npy.ts';
import { describeEncoder, resnet50v2, smallResnet } from '../workloads.ts';

export interface OnnxRow {
  readonly encoder: string;
  readonly side: number;
  readonly mebibytes: number;
  /** The largest difference of an embedding from ONNX Runtime's, as a share of its length, for one image and for seven. */
  readonly one: number;
  readonly seven: number;
  readonly ok: boolean;
}

const limit = 1e-4;
const counts = [1, 7] as const;
const answerSchema = z.object({ differences: z.object({ 1: z.number(), 7: z.number() }) });

/**
 * Each encoder as an ONNX file, with weights of which every layer is seen in the embedding, run by ONNX Runtime in Python.
 *
 * @param only picks encoders by a part of their names
 */
export async function benchOnnx(python: string, only: string): Promise<OnnxRow[]> {
  const all = [
    ...encoderWorkloads.map(({ encoder, sizes: [side] }) => ({ encoder, side })),
    ...[resnet50v2(), smallResnet(16)].map((encoder) => ({ encoder: encoderSchema.parse(encoder), side: 64 })),
  ];
  const rows: OnnxRow[] = [];
  for (const { encoder, side } of all.filter((each) => describeEncoder(each.encoder).includes(only))) {
    rows.push(await withFolder((folder) => compare(encoder, side, folder, python)));
    process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
  return rows;
}

async function compare(encoder: EncoderConfig, side: number, folder: string, python: string): Promise<OnnxRow> {
  const image = {
    height: side,
    width: side,
    channels: 3,
    mean: [0.485, 0.456, 0.406],
    deviation: [0.229, 0.224, 0.225],
  };
  const model = createEncoder(encoder, image);
  const variables = createVariables(model.parameters, 1);
  // Each its own: a graph holds equal weights once, and two that changed places would not be seen.
  for (const [at, spec] of model.parameters.entries())
    tf.tidy(() => variable(variables, spec.name).assign(madeValue(spec, at + 1)));
  const state = { variables, resident: {} };
  const step = embeddingStep(model, { image: { ...image, channels: 3 } });
  const shape = [side, side, 3];
  const onnx = onnxModel(
    recordForExport(state, { step, input: { name: 'images', dtype: 'uint8', shape }, outputs: ['embedding'] }),
  );
  const execution = capture(state);
  try {
    await writeFile(join(folder, 'model.onnx'), onnx);
    const embed = execution.compile(step);
    for (const count of counts) {
      const images = {
        ...({ dtype: 'uint8', shape: [count, ...shape] } as const),
        values: Uint8Array.from({ length: count * side * side * 3 }, (_, at) => Math.imul(at, 2654435761) >>> 24),
      };
      const [embeddings] = embed(images) as [Float32Array];
      await writeFile(join(folder, `images-${count}.npy`), encodeNpy('|u1', images.shape, images.values));
      await writeFile(join(folder, `embeddings-${count}.npy`), encodeNpy('<f4', [count, model.dimension], embeddings));
    }
  } finally {
    execution.dispose();
  }
  const script = fileURLToPath(new URL('compare.py', import.meta.url));
  const printed = await runProgram(python, [script, folder, ...counts.map(String)]);
  const { differences } = answerSchema.parse(JSON.parse(printed));
  const [one, seven] = [differences[1], differences[7]];
  return {
    ...{ encoder: describeEncoder(encoder), side, mebibytes: Math.round(onnx.length / 2 ** 20), one, seven },
    ok: Math.max(one, seven) < limit,
  };
}
