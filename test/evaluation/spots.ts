import sharp, { type Sharp } from 'sharp';
import { randomUint32 } from '../../datasets/index.ts';

/**
 * A grey picture with five bright spots: bytes [32, 32, 1].
 *
 * @param of whose spots these are: no other picture has the same
 * @param across where they are, in pixels from the left
 */
export function spots(
  of: readonly [purpose: string, ...counters: number[]],
  across: { readonly from: number; readonly width: number },
): Uint8Array<ArrayBuffer> {
  const unit = (...draw: number[]) => randomUint32(0, ...of, ...draw) / 2 ** 32;
  const bright = Array.from({ length: 5 }, (_, at) => ({
    x: across.from + across.width * unit(at, 0),
    y: 32 * unit(at, 1),
    size: 4 + 30 * unit(at, 2),
    light: 60 + 120 * unit(at, 3),
  }));
  return Uint8Array.from({ length: 32 * 32 }, (_, at) => {
    const [x, y] = [at % 32, Math.floor(at / 32)];
    const light = (spot: (typeof bright)[number]) =>
      spot.light * Math.exp(-((x - spot.x) ** 2 + (y - spot.y) ** 2) / spot.size);
    return Math.min(220, 10 + bright.reduce((sum, spot) => sum + light(spot), 0));
  });
}

/** The picture of such bytes, to change or to encode it. */
export const pictureOf = (pixels: Uint8Array): Sharp => sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } });

/** The bytes of a picture in grey. */
export const greyOf = async (picture: Sharp): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await picture.toColourspace('b-w').raw().toBuffer());
