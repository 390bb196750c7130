import { z } from 'zod';
import { digestSchema } from './artifacts.ts';

/** Of the rejected files of a data set so many are shown. */
export const mostRejectedPictures = 24;

/** `<step>-rejected.json`: what rejected files show as far as they can be decoded, small. */
export const rejectedPicturesSchema = z.strictObject({
  format: z.literal('contrail-rejected/1'),
  pictures: z
    .array(
      z.strictObject({
        path: z.string(),
        /** SHA-256 of the file. */
        source: digestSchema,
        /** In base64. */
        webp: z.base64().max(100_000),
      }),
    )
    .max(mostRejectedPictures),
});
export type RejectedPicture = z.infer<typeof rejectedPicturesSchema>['pictures'][number];
