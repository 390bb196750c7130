import sharp from 'sharp';

/** Pixels of a PNG for one of the drawing. */
const density = 2;

/** A PNG, and its size in pixels. */
export interface Picture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** An SVG file as a PNG. */
export async function toPng(svg: string): Promise<Picture> {
  const { data, info } = await sharp(Buffer.from(svg), { density: 72 * density })
    .png()
    .toBuffer({ resolveWithObject: true });
  return { png: data, width: info.width, height: info.height };
}
