import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { randomDraws } from '../../datasets/random.ts';

const blocksAcross = 4;
const noise = 40;
const grainsOfPicture = 61;
/** Classes whose files are being written. */
const concurrency = 8;

/** A folder of pictures, one folder for each class. */
export interface PictureFolder {
  readonly classes: number;
  /** Pictures of a class. */
  readonly picturesOf: (label: number) => number;
  /** Height and width in pixels. */
  readonly side: number;
}

/**
 * Writes PNGs: 4 x 4 blocks whose colours are the class's own, under noise of the picture's own. The same settings give the
 * same bytes.
 *
 * @returns how many there are
 */
export async function writePictureFolder(
  folder: string,
  { classes, picturesOf, side }: PictureFolder,
): Promise<number> {
  let [next, written] = [0, 0];
  const work = async () => {
    while (next < classes) {
      const label = next++;
      const own = join(folder, `product-${String(label).padStart(6, '0')}`);
      await mkdir(own, { recursive: true });
      for (let picture = 0; picture < picturesOf(label); picture++) {
        await writeFile(join(own, `${picture}.png`), await pictureOf(label, picture, side));
        written++;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return written;
}

function pictureOf(label: number, picture: number, side: number): Promise<Buffer> {
  const colourDraws = randomDraws(0, 'colours of a class', label);
  const colours = Float32Array.from({ length: 3 * blocksAcross ** 2 }, (_, at) => colourDraws(at) / 2 ** 24);
  const draws = randomDraws(0, 'noise of a picture', label, picture);
  const grains = Float32Array.from({ length: grainsOfPicture }, (_, at) => noise * (draws(at) / 2 ** 32 - 0.5));
  const pixels = Buffer.alloc(side * side * 3);
  const blockOf = (at: number) => Math.floor((at * blocksAcross) / side);
  let at = 0;
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const block = blockOf(row) * blocksAcross + blockOf(column);
      for (let channel = 0; channel < 3; channel++) {
        const grain = grains[(7 * row + 3 * column + channel) % grainsOfPicture] as number;
        pixels[at++] = Math.max(0, Math.min(255, (colours[3 * block + channel] as number) + grain));
      }
    }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
