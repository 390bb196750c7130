import sharp from 'sharp';
import type { ImageRows } from '../../datasets/index.ts';
import type { Picture } from '../plots/png.ts';

/** Larger images are thinned out to so many pixels a side; browsers refuse pictures of more than 8,192. */
const largestSide = 64;

/** One picture that holds all images in rows, and the size of each in it. */
export interface Sprite extends Picture {
  readonly imageWidth: number;
  readonly imageHeight: number;
}

/** @param across images in a row; where absent, the picture is a square of images, as the projector wants it */
export async function spriteOf(
  { pixels, height, width, channels }: ImageRows,
  count: number,
  across?: number,
): Promise<Sprite> {
  const step = Math.max(1, Math.ceil(Math.max(height, width) / largestSide));
  const [thumbHeight, thumbWidth] = [Math.ceil(height / step), Math.ceil(width / step)];
  const columns = across ?? Math.max(1, Math.ceil(Math.sqrt(count)));
  const lines = across === undefined ? columns : Math.ceil(count / across);
  const [wholeWidth, wholeHeight] = [columns * thumbWidth, lines * thumbHeight];
  const sheet = Buffer.alloc(wholeHeight * wholeWidth * 3);
  for (let image = 0; image < count; image++) {
    const [top, left] = [Math.floor(image / columns) * thumbHeight, (image % columns) * thumbWidth];
    for (let y = 0; y < thumbHeight; y++)
      for (let x = 0; x < thumbWidth; x++) {
        const from = ((image * height + y * step) * width + x * step) * channels;
        const to = ((top + y) * wholeWidth + left + x) * 3;
        for (let channel = 0; channel < 3; channel++)
          sheet[to + channel] = pixels[from + (channels === 3 ? channel : 0)] ?? 0;
      }
  }
  const png = await sharp(sheet, { raw: { width: wholeWidth, height: wholeHeight, channels: 3 } })
    .png()
    .toBuffer();
  return { png, width: wholeWidth, height: wholeHeight, imageWidth: thumbWidth, imageHeight: thumbHeight };
}
