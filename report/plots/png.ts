import sharp from 'sharp';

/** Pixels of a PNG for one of the drawing. */
const density = 2;

/** A PNG, and its size in pixels. */
export interface Picture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Characters that XML 1.0 cannot hold, not even escaped; names of classes and files can. */
const noCharacterOfXml = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** An SVG file as a PNG. What no XML can hold is drawn as a character that is not known. */
export async function toPng(svg: string): Promise<Picture> {
  const { data, info } = await sharp(Buffer.from(svg.replaceAll(noCharacterOfXml, '\ufffd')), { density: 72 * density })
    .png()
    .toBuffer({ resolveWithObject: true });
  return { png: data, width: info.width, height: info.height };
}
