import sharp from 'sharp';

const side = 96;
const mostPixels = 25_000_000;

/** What can be decoded in this process of an image that may be damaged: a small WebP; null where it shows nothing. */
export async function smallPictureHere(content: Uint8Array): Promise<Uint8Array | null> {
  const { data, info } = await sharp(content, { failOn: 'none', limitInputPixels: mostPixels })
    .rotate()
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (data.every((value, at) => value === data[at % channels])) return null;
  return sharp(data, { raw: { width, height, channels } }).webp({ quality: 80 }).toBuffer();
}
