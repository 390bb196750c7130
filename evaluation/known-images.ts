import { unitLength } from '../contracts/unit-length.ts';
import { bytesOf, type Content, encodeSafetensors } from '../store/index.ts';
import { pickRows } from './calibrate.ts';
import type { LabelledFeatures } from './linear-classifier.ts';
import { sampleOfEach } from './sample-classes.ts';

/** Numbers of embeddings that are kept, 32 MB: 62,500 images of 128, 15,625 of 512, 3,906 of 2,048. */
const keptNumbers = 8_000_000;

/** Training images that stand for all that a model knows. */
export interface KnownImages {
  readonly features: LabelledFeatures;
  /** Their rows in the training split. */
  readonly rows: Int32Array;
}

/**
 * The training images that photos are compared with: all of them, or as many of each class as fit into a file that is read in a moment.
 *
 * @param of rows of classes that the classifier knows
 */
export function knownImages(train: LabelledFeatures, of: Int32Array, most: number = keptNumbers): KnownImages {
  const labels = of.map((row) => train.labels[row] as number);
  const rows = sampleOfEach(labels, Math.max(1, Math.floor(most / train.dimension))).map((at) => of[at] as number);
  return { rows, features: rows.length === train.count ? train : pickRows(train, rows) };
}

/** What `knownImagesFile` holds. */
export const knownImagesContent = ({ rows, features: { features, dimension } }: KnownImages): Content =>
  encodeSafetensors([
    { name: 'rows', dtype: 'I32', shape: [rows.length], data: bytesOf(rows) },
    {
      name: 'embedding',
      dtype: 'F32',
      shape: [rows.length, dimension],
      data: bytesOf(unitLength(features, dimension)),
    },
  ]);
