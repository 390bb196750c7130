import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type OpenSplit, openSplit } from '../datasets/index.ts';
import { type JobContext, openEncoder, openProjector, requireFinite, stopIfAsked } from '../training/index.ts';
import type { LabelledFeatures } from './linear-classifier.ts';

/**
 * Computes the embeddings of a split: of the data set by name, or of one that is open, which stays open.
 *
 * @param part what to call it while it goes on, where it is one of several of the same kind
 * @throws ContrailError InvalidInput when the images are not of the format that the encoder was trained on
 */
export type FeaturesOf = (
  split: SplitName | OpenSplit,
  part?: { readonly phase: string; readonly before: number; readonly total: number },
) => Promise<LabelledFeatures>;

/**
 * Gives `use` the embeddings of the data set's splits, and checks that the encoder is afterwards what it was before.
 *
 * @throws ContrailError InvalidInput when the images are not of the format that the encoder was trained on
 * @throws ContrailError DigestMismatch when the encoder changed
 */
export async function withFrozenEncoder<T>(
  input: { readonly encoder: ArtifactRef; readonly dataset: ArtifactRef },
  context: JobContext,
  use: (featuresOf: FeaturesOf, encoderDigest: string, dimension: number) => Promise<T>,
): Promise<T> {
  const encoder = await openEncoder(context.store, input.encoder);
  try {
    const before = encoder.digest();
    const checking = (phase: string) => (done: number, total: number) => {
      context.progress({ phase, done, total, unit: 'images' });
      stopIfAsked(context);
    };
    const featuresOf: FeaturesOf = async (split, part) => {
      if (typeof split === 'string') {
        const opened = await openSplit(context.store, input.dataset, split, checking(`checking ${split} images`));
        try {
          return await featuresOf(opened, part ?? { phase: `${split} features`, before: 0, total: opened.count });
        } finally {
          await opened.close();
        }
      }
      requireImageFormat('The encoder takes images of', encoder.about.image, split);
      const { phase, before: earlier, total } = part ?? { phase: 'features', before: 0, total: split.count };
      const begun = performance.now();
      const embedded = await encoder.featuresOf(split, (done) => {
        const imagesPerSecond = (1000 * done) / Math.max(1, performance.now() - begun);
        context.progress({ phase, done: earlier + done, total, unit: 'images', imagesPerSecond });
        stopIfAsked(context);
      });
      return { ...embedded, count: split.count, dimension: encoder.dimension };
    };
    const result = await use(featuresOf, before, encoder.dimension);
    if (encoder.digest() !== before)
      throw new ContrailError('DigestMismatch', 'The frozen encoder changed while it was evaluated.');
    return result;
  } finally {
    encoder.dispose();
  }
}

/**
 * The same with projections in the place of embeddings.
 *
 * @throws ContrailError InvalidInput when the encoder was trained without a projection head
 */
export const withProjections: typeof withFrozenEncoder = (input, context, use) =>
  withFrozenEncoder(input, context, async (featuresOf, digest, dimension) => {
    const projector = await openProjector(context.store, input.encoder, dimension);
    const projectionsOf: FeaturesOf = async (split, part) => {
      const { features, ...rest } = await featuresOf(split, part);
      const projections = projector.project(features, rest.count);
      requireFinite(projections, projector.width, 'projection');
      return { ...rest, features: projections, dimension: projector.width };
    };
    try {
      return await use(projectionsOf, digest, projector.width);
    } finally {
      projector.dispose();
    }
  });

type ImageSize = Readonly<Record<'height' | 'width' | 'channels', number>>;

/** @throws ContrailError InvalidInput when the images of a split are not of the format that is wanted */
export function requireImageFormat(wantedBy: string, wanted: ImageSize, split: ImageSize): void {
  const [expected, found] = [wanted, split].map(({ height, width, channels }) => `${height}x${width}x${channels}`);
  if (found !== expected)
    throw new ContrailError('InvalidInput', `${wantedBy} ${expected}, and the data set's are ${found}.`);
}
