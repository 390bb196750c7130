import sharp from 'sharp';

/** Pixels of a PNG for one of the drawing. */
const density = 2;

/** An SVG file as a PNG, on what it is drawn on. */
export async function toPng(
  svg: string,
): Promise<{ readonly png: Uint8Array; readonly width: number; readonly height: number }> {
  const { data, info } = await sharp(Buffer.from(svg), { density: 72 * density })
    .png()
    .toBuffer({ resolveWithObject: true });
  return { png: data, width: info.width, height: info.height };
}
