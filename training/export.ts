import type { ArtifactRef } from '../contracts/artifacts.ts';
import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../contracts/encoder.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type ClassifierAbout, classifierAboutSchema, classifierFile } from '../contracts/evaluation.ts';
import { decodeSafetensors, float32, readAbout, readArtifactFile, type Store } from '../store/index.ts';
import { loadExported, recordForExport, savedModelOf } from './capture/export.ts';
import type { Step } from './capture/index.ts';
import { embeddingStep, openEncoder } from './features.ts';
import { encoderOf } from './models/adapter.ts';
import { onnxModel } from './onnx/model.ts';
import { createVariables, disposeVariables } from './parameters.ts';
import { type Tensor2D, tf, type Variable } from './tensorflow.ts';

/** An encoder, with a classifier where there is one, as files that need no Contrail. */
export interface ExportedModel {
  readonly encoder: EncoderAbout;
  readonly classifier: ClassifierAbout | null;
  /** `saved_model.pb`: uint8 `images` in; `embedding`, and with a classifier `probabilities` and `label`, out. */
  readonly savedModel: Uint8Array;
  /** `model.onnx`: the same inputs and outputs. */
  readonly onnx: Uint8Array;
  readonly encoderWeights: Uint8Array;
  readonly classifierWeights: Uint8Array | null;
}

export async function exportModel(
  store: Store,
  { encoder, classifier }: { readonly encoder: ArtifactRef; readonly classifier: ArtifactRef | null },
): Promise<ExportedModel> {
  const about = await readAbout(store, encoder, encoderAboutSchema);
  const encoderWeights = await readArtifactFile(store, encoder, encoderFiles.encoder);
  const model = encoderOf(about);
  const variables = new Map(createVariables(model.parameters, 0));
  assignAll(variables, decodeSafetensors(encoderWeights).tensors);
  const embed = embeddingStep(model, about);
  let step: Step = embed;
  let outputs = ['embedding'];
  let classifierAbout: ClassifierAbout | null = null;
  let classifierWeights: Uint8Array | null = null;
  if (classifier) {
    classifierAbout = await readAbout(store, classifier, classifierAboutSchema);
    classifierWeights = await readArtifactFile(store, classifier, classifierFile);
    const { dimension, classes } = classifierAbout;
    const head = new Map([
      ['kernel', tf.variable(tf.zeros([dimension, classes.length]))],
      ['bias', tf.variable(tf.zeros([classes.length]))],
    ]);
    assignAll(head, decodeSafetensors(classifierWeights).tensors);
    for (const [name, variable] of head) variables.set(`classifier/${name}`, variable);
    outputs = ['embedding', 'probabilities', 'label'];
    step = (inputs, state) => {
      const [embedding] = embed(inputs, state) as [Tensor2D];
      const logits = tf.add(
        tf.matMul(embedding, head.get('kernel') as unknown as Tensor2D),
        head.get('bias') as Variable,
      ) as Tensor2D;
      return [embedding, tf.softmax(logits), tf.argMax(logits, 1)];
    };
  }
  try {
    const { height, width, channels } = about.image;
    const recorded = recordForExport(
      { variables, resident: {} },
      { step, input: { name: 'images', dtype: 'uint8', shape: [height, width, channels] }, outputs },
    );
    return {
      ...{ encoder: about, classifier: classifierAbout, encoderWeights, classifierWeights },
      savedModel: savedModelOf(recorded),
      onnx: onnxModel(recorded),
    };
  } finally {
    disposeVariables(variables);
  }
}

/**
 * Runs made images through the exported model, as any program would load it, and through the encoder that it was made of.
 *
 * @param folder holds `saved_model.pb`
 * @throws ContrailError DigestMismatch when their embeddings differ by more than 1e-4
 */
export async function checkExported(store: Store, encoder: ArtifactRef, folder: string): Promise<number> {
  const frozen = await openEncoder(store, encoder);
  const exported = loadExported(folder);
  try {
    const { height, width, channels } = frozen.about.image;
    const count = 5;
    const values = Uint8Array.from(
      { length: count * height * width * channels },
      (_, at) => Math.imul(at, 2654435761) >>> 24,
    );
    const expected = await frozen.features(values, count);
    const input = { dtype: 'uint8', shape: [count, height, width, channels], values } as const;
    const [embedding] = exported.run(input, 'images', ['embedding']) as [Float32Array];
    const difference = expected.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - (embedding[at] ?? Number.NaN))),
      0,
    );
    if (!(difference <= 1e-4))
      throw new ContrailError(
        'DigestMismatch',
        `The exported model's embeddings differ from the encoder's by ${difference}.`,
      );
    return difference;
  } finally {
    exported.close();
    frozen.dispose();
  }
}

function assignAll(
  variables: ReadonlyMap<string, Variable>,
  tensors: ReturnType<typeof decodeSafetensors>['tensors'],
): void {
  for (const [name, variable] of variables) {
    const tensor = tensors.get(name);
    if (!tensor || tensor.shape.join() !== variable.shape.join())
      throw new ContrailError('CorruptArtifact', `The artifact has no tensor ${name} of shape [${variable.shape}].`);
    tf.tidy(() => variable.assign(tf.tensor(float32(tensor).slice(), variable.shape)));
  }
}
