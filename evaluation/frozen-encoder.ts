import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { openSplit } from '../datasets/index.ts';
import { type JobContext, JobStopped, openEncoder } from '../training/index.ts';
import type { LabelledFeatures } from './softmax-classifier.ts';

/**
 * Gives `use` the embeddings of the data set's splits, and checks that the encoder is afterwards what it was before.
 *
 * @throws ContrailError InvalidInput when the images are not of the format that the encoder was trained on
 * @throws ContrailError DigestMismatch when the encoder changed
 */
export async function withFrozenEncoder<T>(
  input: { readonly encoder: ArtifactRef; readonly dataset: ArtifactRef },
  context: JobContext,
  use: (featuresOf: (split: SplitName) => Promise<LabelledFeatures>, encoderDigest: string) => Promise<T>,
): Promise<T> {
  const encoder = await openEncoder(context.store, input.encoder);
  try {
    const before = encoder.digest();
    const featuresOf = async (name: SplitName): Promise<LabelledFeatures> => {
      const progress = (phase: string) => (done: number, total: number) => {
        context.progress({ phase, done, total, unit: 'images' });
        if (context.stopRequested()) throw new JobStopped(null);
      };
      const split = await openSplit(context.store, input.dataset, name, progress(`checking ${name} images`));
      try {
        const { height, width, channels } = encoder.about.image;
        if (split.height !== height || split.width !== width || split.channels !== channels)
          throw new ContrailError(
            'InvalidInput',
            `The encoder takes images of ${height}x${width}x${channels}, and the data set's are ${split.height}x${split.width}x${split.channels}.`,
          );
        const embedded = await encoder.featuresOf(split, progress(`${name} features`));
        return { ...embedded, count: split.count, dimension: encoder.dimension };
      } finally {
        await split.close();
      }
    };
    const result = await use(featuresOf, before);
    if (encoder.digest() !== before)
      throw new ContrailError('DigestMismatch', 'The frozen encoder changed while it was evaluated.');
    return result;
  } finally {
    encoder.dispose();
  }
}
