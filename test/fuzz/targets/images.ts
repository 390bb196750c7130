import sharp from 'sharp';
import { beheaded, behindHead, headed, type Target, Violation } from '../engine/target.ts';

const heads = ['file', 'photo', 'stored', 'small'] as const;
/** An image that takes the decoder longer is given up, which is an outcome. */
const decodeMs = 900;

/** Makes the check sums of a PNG's chunks right. */
function withCheckSums(input: Uint8Array): Uint8Array {
  const copy = Buffer.from(input);
  const begin = copy.indexOf('\x89PNG\r\n\x1a\n', 0, 'latin1');
  if (begin < 0) return input;
  for (let at = begin + 8; at + 12 <= copy.length; ) {
    const end = at + 8 + copy.readUInt32BE(at);
    if (end + 4 > copy.length) break;
    copy.writeUInt32BE(checkSum(copy.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return copy;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});
function checkSum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (table[(sum ^ byte) & 255] as number);
  return (sum ^ 0xffffffff) >>> 0;
}

/** Small images of every format that is read, and of every kind that a format has. */
async function samples(): Promise<readonly Buffer[]> {
  const side = 24;
  const pixels = (channels: number) =>
    Uint8Array.from({ length: side * side * channels }, (_, at) => Math.imul(at + 1, 2654435761) >>> 24);
  const of = (channels: 1 | 3 | 4) => sharp(pixels(channels), { raw: { width: side, height: side, channels } });
  const frames = sharp(pixels(3), { raw: { width: side, height: side, channels: 3, pageHeight: side / 3 } });
  return Promise.all([
    of(1).toColourspace('b-w').png().toBuffer(),
    of(3).png({ progressive: true }).withIccProfile('p3').toBuffer(),
    of(4).png({ palette: true, colours: 16 }).toBuffer(),
    of(4).toColourspace('rgb16').png().toBuffer(),
    of(3)
      .jpeg()
      .withExif({ IFD0: { Copyright: 'me' } })
      .withMetadata({ orientation: 6 })
      .toBuffer(),
    of(3).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    of(3).toColourspace('cmyk').jpeg().toBuffer(),
    of(4).webp({ quality: 50 }).toBuffer(),
    of(3).webp({ lossless: true }).toBuffer(),
    frames.clone().webp().toBuffer(),
    frames.clone().gif().toBuffer(),
    of(3).tiff({ compression: 'lzw', tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    of(4).tiff({ compression: 'deflate', predictor: 'horizontal' }).toBuffer(),
    of(1).tiff({ compression: 'none', bitdepth: 1 }).toBuffer(),
    of(3).avif({ effort: 0 }).toBuffer(),
  ]);
}

/** Image files, as a data set, a photo at the terminal, a stored data set and a report read them. */
export const images: Target = {
  name: 'images',
  reads: 'images in PNG, JPEG, WebP, GIF, TIFF and AVIF',
  form: 'bytes',
  region: behindHead(() => 'bytes'),
  repair: withCheckSums,
  tokens: [
    ...[
      'IHDR',
      'PLTE',
      'tRNS',
      'IDAT',
      'IEND',
      'iCCP',
      'zTXt',
      'acTL',
      'eXIf',
      'gAMA',
      'RIFF',
      'VP8 ',
      'VP8L',
      'VP8X',
      'ANMF',
    ],
    ...[
      'ALPH',
      'GIF89a',
      'NETSCAPE2.0',
      'II*\0',
      'MM\0*',
      'ftypavif',
      'meta',
      'iloc',
      'mdat',
      'ispe',
      'Exif\0\0',
      'Adobe',
    ],
    ...[
      '\xff\xd8',
      '\xff\xd9',
      '\xff\xda',
      '\xff\xc0',
      '\xff\xc2',
      '\xff\xc4',
      '\xff\xdb',
      '\xff\xdd',
      '\xff\xe1',
      '\xff\xee',
    ],
  ],
  mostBytes: 16 * 2 ** 10,
  open: async ({ folder }) => {
    const { writeFile } = await import('node:fs/promises');
    const { join } = await import('node:path');
    const { prepareDataParameters } = await import('../../../contracts/kinds/prepare-data.ts');
    const { formOf } = await import('../../../datasets/form.ts');
    const { readPhoto } = await import('../../../datasets/photo.ts');
    const { readGiven } = await import('../../../datasets/given-image.ts');
    const { decodeStored } = await import('../../../datasets/encode.ts');
    const { smallPicture } = await import('../../../datasets/decoders/index.ts');
    const form = (given: object) =>
      formOf(prepareDataParameters.parse({ dataset: 'image-folder', path: '.', ...given }));
    const raw = form({ size: 32 });
    const coded = form({ size: 32, channels: 3, fit: 'crop', encoding: { format: 'webp', quality: 80, margin: 1 } });
    const file = join(folder, 'image');
    const all = await samples();
    return {
      seeds: heads.flatMap((head) => all.map((sample) => headed(head, sample))),
      run: async (input) => {
        const { head, body } = beheaded(input, heads);
        const content = Buffer.from(body);
        if (head === 'photo') {
          const photo = await readPhoto(content, coded, { milliseconds: decodeMs });
          if ('rejected' in photo) return photo.rejected;
          if (photo.pixels.length !== 32 * 32 * photo.channels) throw new Violation('a photo of another size');
          return `${photo.channels} channels`;
        }
        if (head === 'file') {
          await writeFile(file, content);
          const read = await readGiven({ file, class: 'a' }, 0, raw);
          if ('rejected' in read) return read.rejected;
          const { height, width, channels, pixels } = read.image;
          if (pixels.length !== height * width * channels) throw new Violation('an image of another size');
          return `${channels} channels`;
        }
        if (head === 'small') return `${(await smallPicture(content))?.length ?? 'no picture'}`;
        return `${(await decodeStored(content, 32, 3)).length} bytes`;
      },
      // What a decoder says of a file is put into words by whoever asks; see `damageOf`.
      accepts: (error) => error instanceof Error && error.name === 'Error' && error.message !== '',
    };
  },
};
