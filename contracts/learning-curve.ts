import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';
import { stepKeySchema } from './identifiers.ts';

/** `about` of a curve artifact: the training whose kept checkpoints were measured. */
export const curveAboutSchema = z.object({ training: stepKeySchema, dataset: artifactRefSchema });

/** curve.json: how good the frozen encoder was after some of the epochs, on the validation images. */
export const learningCurveSchema = z.strictObject({
  dataset: z.string(),
  /** Training images that nearest neighbours and probe had, and validation images that they were tried on. */
  images: z.strictObject({ train: z.int(), validation: z.int() }),
  points: z.array(
    z.strictObject({
      epoch: z.int().positive(),
      /** That the training had taken till then, without what it lost to restarts. */
      seconds: z.number().nonnegative(),
      loss: z.number(),
      /** Accuracy of a linear softmax classifier on the embeddings. */
      probe: z.number(),
      /** Accuracy of nearest neighbours on the embeddings. */
      knn: z.number(),
    }),
  ),
});
export type LearningCurve = z.infer<typeof learningCurveSchema>;
export const learningCurveFile = 'curve.json';
