/** PNG files with much besides their pixels, which the decoder inflates before it says anything. */
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import { DecoderGaveUp, decodePixels, readHeader } from '../../../datasets/decoders/index.ts';
import { hasFewChunks } from '../../../datasets/decoders/png-chunks.ts';
import { formOf } from '../../../datasets/form.ts';
import { pngChunk } from '../../png-chunk.ts';

const form = formOf(prepareDataParameters.parse({ dataset: 'image-folder', path: '.', size: 32, channels: 3 }));
let plain: Buffer;
const ofImage = 33;

const withChunks = (chunks: readonly Buffer[], at = ofImage) =>
  Buffer.concat([plain.subarray(0, at), ...chunks, plain.subarray(at)]);
const text = (bytes: number, at = 0) =>
  pngChunk('zTXt', Buffer.concat([Buffer.from(`k${at}\0\0`), deflateSync(Buffer.alloc(bytes, 'A'))]));

beforeAll(async () => {
  plain = await sharp({ create: { width: 32, height: 32, channels: 3, background: '#456789' } })
    .png()
    .toBuffer();
});

describe('a PNG is read at once', () => {
  it.each([
    ['plain', () => plain, true],
    ['with a profile', () => sharp(plain).withIccProfile('p3').png().toBuffer(), true],
    ['with a short text', () => withChunks([text(1000)]), true],
    ['with long texts', () => withChunks(Array.from({ length: 4 }, (_, at) => text(5_000_000, at))), false],
    [
      'with many texts',
      () => withChunks(Array.from({ length: 200 }, () => pngChunk('tEXt', Buffer.from('a\0')))),
      false,
    ],
    ['with a large profile', () => withChunks([pngChunk('iCCP', Buffer.alloc(97_000))]), false],
  ] as const)('%s', async (_, make, isQuick) => {
    const content = await make();
    expect([hasFewChunks(content, 'IDAT'), hasFewChunks(content, 'IEND')]).toEqual([isQuick, isQuick]);
  });

  it('as to its header where the texts come behind the pixels', () => {
    const content = withChunks([text(5_000_000), ...new Array<Buffer>(4).fill(text(5_000_000))], plain.length - 12);
    expect([hasFewChunks(content, 'IDAT'), hasFewChunks(content, 'IEND')]).toEqual([true, false]);
  });

  it('only where its first bytes reach its pixels', () => {
    expect(hasFewChunks(plain.subarray(0, ofImage), 'IDAT')).toBe(false);
  });
});

describe('a PNG of long texts', () => {
  it('is given up when its time is over', async () => {
    const content = withChunks(new Array<Buffer>(20).fill(text(20_000_000)));
    await expect(readHeader(content, { milliseconds: 20 })).rejects.toBeInstanceOf(DecoderGaveUp);
  });

  it('has the pixels of one without', async () => {
    const content = withChunks(Array.from({ length: 4 }, (_, at) => text(5_000_000, at)));
    const how = { form, failOn: 'warning' } as const;
    expect(await decodePixels(content, await readHeader(content), how)).toEqual(
      await decodePixels(plain, await readHeader(plain), how),
    );
  });
});

it('16 bits a sample are given up when their time is over', async () => {
  const content = await sharp({ create: { width: 2800, height: 2800, channels: 4, background: '#456789' } })
    .toColourspace('rgb16')
    .png({ compressionLevel: 1 })
    .toBuffer();
  const header = await readHeader(content);
  expect(header.bytesPerSample).toBe(2);
  await expect(decodePixels(content, header, { form, failOn: 'warning' }, { milliseconds: 5 })).rejects.toBeInstanceOf(
    DecoderGaveUp,
  );
});
