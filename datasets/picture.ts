import sharp from 'sharp';

/** The side of a small picture, at most. */
const pictureSide = 96;
const quality = 80;

/**
 * A small picture of an image, for people: a WebP file of at most 96 pixels a side, smaller only where the image is.
 *
 * @param image.pixels bytes [side, side, channels]
 */
export async function smallPicture({
  pixels,
  side,
  channels,
}: {
  readonly pixels: Uint8Array;
  readonly side: number;
  readonly channels: 1 | 3;
}): Promise<Uint8Array> {
  const image = sharp(pixels, { raw: { width: side, height: side, channels } });
  const sized = side > pictureSide ? image.resize(pictureSide, pictureSide, { fit: 'fill' }) : image;
  return new Uint8Array(await sized.webp({ quality }).toBuffer());
}
