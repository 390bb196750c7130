import sharp from 'sharp';
import { randomUint32 } from '../../datasets/index.ts';

/** Classes of made pictures: striped, in shades of one colour. */
export const colours = ['blue', 'green', 'red'] as const;
export type Colour = (typeof colours)[number];

const channelOf: Readonly<Record<Colour, number>> = { red: 0, green: 1, blue: 2 };

/** A PNG of stripes in shades of a colour, each number another. */
export function stripes(colour: Colour, number: number, side = 32): Promise<Buffer> {
  const draw = (what: string, most: number) => randomUint32(7, what, channelOf[colour], number) % most;
  const [period, shift, strength] = [4 + draw('period', 9), draw('shift', 16), 120 + draw('strength', 130)];
  const isUpright = draw('upright', 2) === 1;
  const pixels = new Uint8Array(3 * side * side);
  for (let at = 0; at < side * side; at++) {
    const along = isUpright ? at % side : Math.floor(at / side);
    const isOn = (along + shift) % period < period / 2;
    for (let channel = 0; channel < 3; channel++)
      pixels[3 * at + channel] =
        channel === channelOf[colour] ? strength : (isOn ? 70 : 20) + (randomUint32(7, 'noise', number, at) % 20);
  }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}
