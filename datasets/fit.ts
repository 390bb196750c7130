import sharp from 'sharp';
import { inColour } from './channels.ts';
import { type Form, isGrey } from './form.ts';
import type { RawImage } from './source.ts';

/** The side of the smallest image that shows anything. */
export const smallestSide = 8;

interface Size {
  readonly height: number;
  readonly width: number;
}

/** What an image is scaled to before it is padded or cut. */
export interface Scaling extends Size {
  readonly kernel: 'cubic' | 'lanczos3';
}

/**
 * The size that an image is scaled to, and how. `pad` keeps the proportions: a smaller image stays as it is, a larger one is
 * shrunk until it fits; `crop` keeps them too, and scales until the shorter side fits; `resize` scales to the square.
 */
export function fittedSize({ height, width }: Size, { side, fit }: Pick<Form, 'side' | 'fit'>): Scaling {
  const isSmall = height <= side && width <= side;
  const kernel = isSmall ? 'cubic' : 'lanczos3';
  if (fit === 'resize') return { height: side, width: side, kernel };
  if (fit === 'pad' && isSmall) return { height, width, kernel };
  const scale = side / (fit === 'pad' ? Math.max(height, width) : Math.min(height, width));
  // Rounding must not leave a cropped side short.
  const least = fit === 'pad' ? 1 : side;
  const scaled = (length: number) => Math.max(least, Math.round(length * scale));
  return { height: scaled(height), width: scaled(width), kernel };
}

/** The part of a scaled image that is kept: its middle. */
export function keptPart({ height, width }: Size, side: number) {
  const [kept, keptWidth] = [Math.min(height, side), Math.min(width, side)];
  return {
    top: Math.floor((height - kept) / 2),
    left: Math.floor((width - keptWidth) / 2),
    height: kept,
    width: keptWidth,
  };
}

type Pixels = Pick<RawImage, 'pixels' | 'height' | 'width' | 'channels'>;

/** Puts an image that is no larger into the middle of a square of the form's background. */
export function padToSide(image: Pixels, { side, background: { around } }: Pick<Form, 'side' | 'background'>): Pixels {
  const { height, width } = image;
  if (height === side && width === side) return image;
  const channels = isGrey(around) ? image.channels : 3;
  const pixels = channels === image.channels ? image.pixels : inColour(image.pixels);
  const padded = new Uint8Array(side * side * channels);
  if (around.some((value) => value > 0))
    for (let at = 0; at < padded.length; at++) padded[at] = around[at % channels] ?? 0;
  const top = Math.floor((side - height) / 2);
  const left = Math.floor((side - width) / 2);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width * channels, (y + 1) * width * channels);
    padded.set(row, ((top + y) * side + left) * channels);
  }
  return { pixels: padded, height: side, width: side, channels };
}

/** Brings an image in memory to the square of its form. */
export async function fitImage(
  image: Pixels,
  form: Pick<Form, 'side' | 'fit' | 'background'>,
): Promise<Pick<RawImage, 'pixels' | 'channels'>> {
  const { pixels, height, width, channels } = image;
  const target = fittedSize(image, form);
  const part = keptPart(target, form.side);
  if (target.height === height && target.width === width && part.height === height && part.width === width)
    return padToSide(image, form);
  const { data, info } = await sharp(pixels, { raw: { width, height, channels } })
    .resize(target.width, target.height, { fit: 'fill', kernel: target.kernel })
    .extract(part)
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return padToSide({ pixels: new Uint8Array(data), height: info.height, width: info.width, channels }, form);
}
