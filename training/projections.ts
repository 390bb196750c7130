import type { ArtifactRef } from '../contracts/artifacts.ts';
import { encoderFiles } from '../contracts/encoder.ts';
import { ContrailError } from '../contracts/errors.ts';
import { decodeSafetensors, readArtifact, readArtifactFile, type Store } from '../store/index.ts';
import { eagerExecution } from './capture/index.ts';
import { createProjectionHead, headOf } from './models/projection-head.ts';
import { createVariables } from './parameters.ts';
import { writeState } from './state.ts';
import { type Tensor2D, tf } from './tensorflow.ts';

/** Embeddings that are projected at a time. */
const block = 4096;

/** The projection head that an encoder was trained behind. */
export interface Projector {
  /** Length of a projection. */
  readonly width: number;
  /** @param embeddings float32 [count, dimension]; @returns float32 [count, width], not normalised */
  readonly project: (embeddings: Float32Array, count: number) => Float32Array;
  readonly dispose: () => void;
}

/**
 * Opens the projection head that is kept beside an encoder.
 *
 * @throws ContrailError InvalidInput where there is none: of a classifier's encoder, or of one without a head
 * @throws ContrailError CorruptArtifact when the file is damaged
 */
export async function openProjector(store: Store, encoder: ArtifactRef, dimension: number): Promise<Projector> {
  const { files } = await readArtifact(store, encoder);
  if (!files.some(({ path }) => path === encoderFiles.projection))
    throw new ContrailError(
      'InvalidInput',
      'The encoder has no projection head: it was trained by `projection: none` or train-classifier, or has an adapter. Leave out `of: projection`, so that images are compared by their embeddings.',
    );
  const { tensors } = decodeSafetensors(await readArtifactFile(store, encoder, encoderFiles.projection));
  const head = createProjectionHead(dimension, headOf(new Map([...tensors].map(([name, { shape }]) => [name, shape]))));
  const variables = createVariables(head.parameters, 0);
  const execution = eagerExecution({ variables, resident: {} });
  writeState(head.parameters, execution, tensors);
  return {
    width: head.width,
    project: (embeddings, count) => {
      const projections = new Float32Array(count * head.width);
      for (let first = 0; first < count; first += block) {
        const rows = Math.min(block, count - first);
        const part = embeddings.subarray(first * dimension, (first + rows) * dimension);
        const values = tf.tidy(() =>
          head.project(tf.tensor2d(part, [rows, dimension]) as Tensor2D, { variables }).dataSync(),
        );
        projections.set(values, first * head.width);
      }
      return projections;
    },
    dispose: execution.dispose,
  };
}
