import { type ArtifactRef, knownClasses, splitText } from '../contracts/artifacts.ts';
import { embeddingsAboutSchema } from '../contracts/embeddings.ts';
import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../contracts/encoder.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset } from '../datasets/index.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  float32,
  int32,
  readAbout,
  readArtifactFile,
  type Store,
  type StoredTensor,
  writeArtifact,
} from '../store/index.ts';
import { type EmbeddedImages, type JobContext, stopIfAsked, trainAdapter } from '../training/index.ts';

/**
 * Trains an adapter on embeddings of training images. The result is an encoder: the one that computed them, its weights
 * unchanged, with the adapter behind it.
 */
export async function adapt(
  { embeddings, parameters }: JobInput<'adapt'>,
  context: JobContext,
): Promise<JobResult<'adapt'>> {
  const { store } = context;
  const { encoder, dataset } = await readAbout(store, embeddings, embeddingsAboutSchema);
  const before = await readAbout(store, encoder, encoderAboutSchema);
  if (before.adapter)
    throw new ContrailError(
      'InvalidInput',
      'The encoder of these embeddings has an adapter already, and it can have one. Embed the data set with the encoder that it was put on.',
    );
  const images = await trainingImages(store, embeddings, context);
  if (images.dimension !== before.dimension)
    throw new ContrailError(
      'CorruptArtifact',
      `The embeddings have ${images.dimension} numbers each, and those of their encoder ${before.dimension}.`,
    );
  if (parameters.dropout === 0 && !hasPairs(images))
    throw new ContrailError(
      'InvalidInput',
      'No class has two training images, so no embedding has another to be like. Set `dropout`, which makes two views of each embedding, or train with classes of several images.',
    );
  const { epochs } = parameters;
  const { tensors, loss } = await trainAdapter(images, parameters, (epoch, ofEpoch, imagesPerSecond) => {
    context.progress({ phase: 'adapter', done: epoch, total: epochs, unit: 'epochs', loss: ofEpoch, imagesPerSecond });
    stopIfAsked(context);
  });
  const about: EncoderAbout = {
    ...before,
    dimension: parameters.adapter.output,
    adapter: { ...parameters.adapter, encoder, dataset, epochs },
  };
  const weights = decodeSafetensors(await readArtifactFile(store, encoder, encoderFiles.encoder)).tensors;
  const ref = await writeArtifact(store, {
    kind: 'encoder',
    about,
    files: [{ path: encoderFiles.encoder, content: encodeSafetensors([...weights.values(), ...tensors]) }],
  });
  return { encoder: { ...ref, kind: 'encoder' }, loss, images: images.count };
}

/** Whether a class has two images. */
const hasPairs = ({ labels, count }: EmbeddedImages): boolean => new Set(labels).size < count;

/** @throws ContrailError InvalidDataset where there are none; CorruptArtifact */
async function trainingImages(store: Store, ref: ArtifactRef, context: JobContext): Promise<EmbeddedImages> {
  const { dataset, dimension, splits } = await readAbout(store, ref, embeddingsAboutSchema);
  const { classes } = knownClasses(await describeDataset(store, dataset));
  const { count = 0, shards = [] } = splits.train ?? {};
  if (count === 0)
    throw new ContrailError(
      'InvalidDataset',
      `The embeddings have no ${splitText('train')} images, and an adapter learns from these. Name train in \`splits\` of the embed step.`,
    );
  const listed = shards.reduce((sum, each) => sum + each.count, 0);
  if (listed !== count) throw wrongCount(listed, count);
  const embeddings = new Float32Array(count * dimension);
  const labels = new Int32Array(count);
  let at = 0;
  for (const { file, count: own } of shards) {
    const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, file), file);
    embeddings.set(float32(tensorOf(tensors, 'embeddings', [own, dimension], file)), at * dimension);
    labels.set(int32(tensorOf(tensors, 'labels', [own], file)), at);
    at += own;
    context.progress({ phase: 'reading embeddings', done: at, total: count, unit: 'images' });
    stopIfAsked(context);
  }
  const strange = labels.find((label) => label < 0 || label >= classes.length);
  if (strange !== undefined)
    throw new ContrailError(
      'CorruptArtifact',
      `The embeddings have the label ${strange}, and there are ${classes.length} classes.`,
    );
  return { embeddings, labels, count, dimension, classes: classes.length };
}

const wrongCount = (found: number, count: number) =>
  new ContrailError('CorruptArtifact', `The embeddings are of ${found} images, not of ${count}.`);

function tensorOf(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  shape: readonly number[],
  file: string,
): StoredTensor {
  const tensor = tensors.get(name);
  if (tensor?.shape.join() === shape.join()) return tensor;
  throw new ContrailError('CorruptArtifact', `${file} has no tensor ${name} of shape [${shape}].`);
}
