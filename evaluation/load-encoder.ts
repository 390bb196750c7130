import { type EncoderAbout, encoderFiles } from '../contracts/encoder.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset, imageFormOf } from '../datasets/index.ts';
import { encodeSafetensors, writeArtifact } from '../store/index.ts';
import { type JobContext, loadEncoderWeights } from '../training/index.ts';

/** Makes an encoder of weights from elsewhere: nothing is trained, and no image is looked at. */
export async function loadEncoder(
  { dataset, parameters }: JobInput<'load-encoder'>,
  context: JobContext,
): Promise<JobResult<'load-encoder'>> {
  const { store } = context;
  const { encoder, weights } = parameters;
  const images = await describeDataset(store, dataset);
  const loaded = await loadEncoderWeights(parameters, images, context);
  const form = imageFormOf(images);
  const about: EncoderAbout = {
    encoder,
    dimension: loaded.dimension,
    image: loaded.image,
    ...(form ? { form } : {}),
    trainingState: weights.sha256,
    epochs: 0,
    batchNormImages: 0,
  };
  const ref = await writeArtifact(store, {
    kind: 'encoder',
    about,
    files: [{ path: encoderFiles.encoder, content: encodeSafetensors(loaded.tensors) }],
  });
  return { encoder: { ...ref, kind: 'encoder' }, dimension: loaded.dimension, names: loaded.names };
}
