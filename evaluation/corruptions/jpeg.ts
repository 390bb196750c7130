import sharp from 'sharp';
import { type Corruption, constantOf } from './image.ts';

/** JPEG's quality, as in CIFAR-10-C. */
const qualities = [80, 65, 58, 50, 40] as const;

/** Compresses an image and decodes it again. */
export const jpeg: Corruption = (severity) => {
  const quality = constantOf(qualities, severity);
  return async (image, { height, width, channels }) => {
    const compressed = await sharp(image, { raw: { width, height, channels } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .jpeg({ quality, chromaSubsampling: '4:2:0' })
      .toBuffer();
    const decoded = await sharp(compressed)
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
    return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength);
  };
};
