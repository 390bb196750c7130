/** Files that hold a decoder, or end it: the process that decodes is ended and replaced, and the file is refused by name. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import { readHeaderHere } from '../../../datasets/decoders/header.ts';
import { decodeHere } from '../../../datasets/decoders/pixels.ts';
import { createDecoders } from '../../../datasets/decoders/pool.ts';
import { formOf } from '../../../datasets/form.ts';

const decoders = createDecoders(1);
const form = formOf(prepareDataParameters.parse({ dataset: 'image-folder', path: '.', size: 32, channels: 3 }));
const plenty = 60_000;
/** An image that takes far longer than a process needs to be told of it. */
let large: Buffer;
const pixelsOf = async (content: Buffer, milliseconds = plenty, signal?: AbortSignal) =>
  decoders.run(
    { do: 'pixels', content, header: await readHeaderHere(content), form, failOn: 'warning' },
    milliseconds,
    signal,
  );
const flat = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#123456' } });
const picture = (pages = 1) => {
  const side = 40;
  const pixels = Uint8Array.from({ length: side * side * pages * 3 }, (_, at) => (at * 37 + (at >> 6)) & 255);
  return sharp(pixels, {
    raw: { width: side, height: side * pages, channels: 3, ...(pages > 1 ? { pageHeight: side } : {}) },
  });
};

beforeAll(async () => {
  large = await flat(5000, 4000).avif({ effort: 0 }).toBuffer();
});
afterAll(() => {
  for (const pid of decoders.pids()) process.kill(pid, 'SIGKILL');
});

describe('a process that decodes', () => {
  it.each([
    ['PNG', () => picture().png()],
    ['a PNG of a palette', () => picture().png({ palette: true })],
    ['a transparent PNG', () => picture().ensureAlpha(0.5).png()],
    ['a grey PNG', () => picture().greyscale().png()],
    ['JPEG', () => picture().jpeg()],
    [
      'a JPEG that lies on its side',
      () => picture().extract({ left: 0, top: 0, width: 40, height: 20 }).withMetadata({ orientation: 6 }).jpeg(),
    ],
    ['WebP', () => picture().webp()],
    ['an animated WebP', () => picture(3).webp()],
    ['an animated GIF', () => picture(3).gif()],
    ['TIFF', () => picture().tiff()],
    ['AVIF', () => picture().avif()],
  ])('gives the same pixels as this one does: %s', async (_, make) => {
    const content = await make().toBuffer();
    const header = await readHeaderHere(content);
    expect(await decoders.run({ do: 'header', image: content }, plenty)).toEqual(header);
    expect(await pixelsOf(content)).toEqual(await decodeHere(content, header, form, 'warning'));
  });

  it('is ended and replaced where a file takes too long, and the file is refused', async () => {
    await expect(pixelsOf(large, 5)).rejects.toMatchObject({
      ...{ name: 'DecoderGaveUp', message: 'takes longer than 0.005 s to decode: save it anew, smaller or as JPEG' },
    });
    const content = await picture().png().toBuffer();
    expect((await pixelsOf(content)).width).toBe(32);
    expect(decoders.pids()).toHaveLength(1);
  });

  it('is ended where nobody waits any more', async () => {
    const reason = new Error('the client has left');
    const controller = new AbortController();
    const asked = pixelsOf(large, plenty, controller.signal);
    setTimeout(() => controller.abort(reason), 50);
    await expect(asked).rejects.toBe(reason);
    await expect(pixelsOf(large, plenty, controller.signal)).rejects.toBe(reason);
    await vi.waitFor(() => expect(decoders.pids()).toHaveLength(0));
  });

  it('that dies once is replaced without a word, and twice is the fault of the file', async () => {
    await pixelsOf(await picture().png().toBuffer());
    const asked = pixelsOf(large);
    const [first] = decoders.pids();
    process.kill(first as number, 'SIGKILL');
    expect((await asked).width).toBe(32);

    // What it does not know ends it, as a fault of its memory would.
    const deadly = { do: 'nothing' } as unknown as Parameters<typeof decoders.run>[0];
    await expect(decoders.run(deadly, plenty)).rejects.toThrow(
      'ends the decoder (exit code 1): save it anew, as PNG or JPEG',
    );
  });

  it('that was stopped meanwhile is replaced without a word', async () => {
    const content = await picture().gif().toBuffer();
    await pixelsOf(content);
    const [stopped] = decoders.pids();
    process.kill(stopped as number, 'SIGSTOP');
    expect((await pixelsOf(content, 2000)).width).toBe(32);
    expect(decoders.pids()).not.toContain(stopped);
  });

  it('says what the decoder says', async () => {
    const cut = (await picture().png().toBuffer()).subarray(0, -200);
    const header = await readHeaderHere(cut);
    await expect(decoders.run({ do: 'pixels', content: cut, header, form, failOn: 'error' }, plenty)).rejects.toThrow(
      /png/i,
    );
  });
});
