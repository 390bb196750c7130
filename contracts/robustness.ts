import { z } from 'zod';

/** Ways to spoil an image. Those of CIFAR-10-C (arXiv:1903.12261) have its constants; shift, rotation and erasing are ours. */
export const corruptionNames = [
  'gaussian-noise',
  'shot-noise',
  'impulse-noise',
  'gaussian-blur',
  'brightness',
  'contrast',
  'pixelate',
  'jpeg',
  'shift',
  'rotation',
  'erasing',
] as const;
export const corruptionNameSchema = z.enum(corruptionNames);
export type CorruptionName = z.infer<typeof corruptionNameSchema>;

/** From 1, the mildest, to 5. */
export const severities = [1, 2, 3, 4, 5] as const;

/** robustness.json: accuracy on the test images, spoilt in many ways. */
export const robustnessSchema = z.strictObject({
  dataset: z.string(),
  testImages: z.int(),
  /** Of the images. The same seed spoils the same images in the same way for every model. */
  seed: z.int(),
  /** Accuracy on the images as they are. */
  clean: z.number(),
  corruptions: z.array(
    z.strictObject({
      name: corruptionNameSchema,
      /** By severity. */
      accuracy: z.array(z.number()).length(severities.length),
    }),
  ),
  /** Mean accuracy over corruptions and severities. */
  mean: z.number(),
});
export type Robustness = z.infer<typeof robustnessSchema>;
export const robustnessFile = 'robustness.json';
