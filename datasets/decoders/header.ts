import sharp, { type Metadata } from 'sharp';
import { z } from 'zod';

/** What the header of an image says. */
export const headerSchema = z.strictObject({
  format: z.string(),
  width: z.int().nonnegative(),
  height: z.int().nonnegative(),
  channels: z.int().positive(),
  bytesPerSample: z.int().positive(),
  /** More than one where further images, frames or pages follow the first. */
  pages: z.int().positive(),
  isGrey: z.boolean(),
  hasAlpha: z.boolean(),
  /** As EXIF data number it; those from 5 on lie on their side. */
  orientation: z.int(),
});
export type Header = z.infer<typeof headerSchema>;

// No image is read twice, and what libvips keeps is memory.
sharp.cache(false);

/**
 * Reads the header of an image file in this process.
 *
 * @param image its path, or its content
 * @throws what the decoder says of it
 */
export async function readHeaderHere(image: string | Uint8Array): Promise<Header> {
  const found = await sharp(image, { limitInputPixels: false }).metadata();
  const { format, width = 0, height = 0, channels = 3, depth, pages = 1, space, hasAlpha = false } = found;
  const { orientation = 1 } = found;
  return {
    ...{ format: format ?? 'none', width, height, channels, pages, hasAlpha, orientation },
    bytesPerSample: depth === 'ushort' || depth === 'short' ? 2 : depth === 'uchar' || depth === 'char' ? 1 : 4,
    isGrey: isGreySpace(space),
  };
}

const isGreySpace = (space: Metadata['space']) => space === 'b-w' || space === 'grey16';
