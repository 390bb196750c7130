import { execFile } from 'node:child_process';
import { symlink, truncate } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadSplit } from '../../../datasets/index.ts';
import { images, picture, prepare, reasonsOf, twoClasses, useImageFolders, write } from '../image-folder.ts';

useImageFolders();

const run = promisify(execFile);

describe('which files are images', () => {
  it('is decided by content: any extension or none, and every format that can be decoded', async () => {
    const formats = {
      'a.jfif': picture(1).jpeg(),
      'b.jpe': picture(2).jpeg(),
      'c.JPG': picture(3).png(),
      noextension: picture(4).webp(),
      'e.gif': picture(5).gif(),
      'f.tif': picture(6).tiff(),
      'g.avif': picture(7).avif(),
      'h.txt': picture(8).png(),
    };
    await write({ 'train/shirt': 1 });
    for (const [name, image] of Object.entries(formats))
      await write({ [`train/coat/${name}`]: await image.toBuffer() });
    const { about } = await prepare();
    expect(about.splits.train.perClass).toEqual([8, 1]);
    expect(about.rejected).toEqual([]);
  });

  it('what is none is rejected in words of the trade', async () => {
    await write({
      ...twoClasses,
      'train/coat/empty.png': '',
      'train/coat/page.jpg': '<!DOCTYPE html><html></html>',
      'train/coat/drawing.png': '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      'train/coat/words.png': 'hello',
      'train/coat/pointer.png': 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n',
      'train/coat/old.bmp': Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]),
      'train/coat/phone.heic': Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
      'train/coat/clip.jpg': Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp42', 'latin1'),
      'train/coat/all.zip': Buffer.from('PK\x03\x04rest'),
      'train/coat/paper.pdf': '%PDF-1.7',
      'train/coat/noise.png': Buffer.from([1, 2, 3, 0, 255, 254, 9, 0, 0, 0]),
      'train/coat/cut.png': (await picture(3, 90, 80).png({ compressionLevel: 0 }).toBuffer()).subarray(0, 4000),
      'train/coat/cut.jpg': (await picture(3, 900, 800).jpeg().toBuffer()).subarray(0, 3000),
      'train/coat/dot.png': await picture(3, 1, 1).png().toBuffer(),
      'train/coat/line.png': await picture(3, 3000, 4).png().toBuffer(),
    });
    expect(await reasonsOf({ maximumRejected: 20 })).toEqual({
      'empty.png': 'is empty (0 bytes)',
      'page.jpg': 'is a web page (HTML), not an image',
      'drawing.png': 'is an SVG drawing, which is a program and is not read: convert it to PNG',
      'words.png': 'is text, not an image',
      'pointer.png': 'is a pointer of Git LFS, not the image: run `git lfs pull`',
      'old.bmp': 'is a BMP image, which is not read: convert it to PNG or JPEG',
      'phone.heic': expect.stringMatching(/^is a HEIC photo, which is not read: convert it to PNG or JPEG/),
      'clip.jpg': 'is a video, not an image',
      'all.zip': 'is a zip archive',
      'paper.pdf': 'is a PDF document, not an image',
      'noise.png': 'is no image of a kind that is read (PNG, JPEG, WebP, GIF, TIFF and AVIF)',
      'cut.png': expect.stringMatching(/^is cut off or damaged/),
      'cut.jpg': expect.stringMatching(/^is cut off or damaged/),
      'dot.png': 'is smaller than 8x8 (1x1)',
      'line.png': 'is smaller than 8x8 (3000x4)',
    });
  });

  it('one of too many pixels or bytes is refused with the limit, and none is opened that would wait for ever', async () => {
    await write({ ...twoClasses, 'train/coat/large.bin': '' });
    await picture(1, 15_000, 8_000).png().toFile(join(images, 'train/coat/bomb.png'));
    await truncate(join(images, 'train/coat/large.bin'), 300 * 2 ** 20);
    await run('mkfifo', [join(images, 'train/coat/pipe.png')]);
    await symlink('/dev/zero', join(images, 'train/coat/zero.png'));
    const server = createServer().listen(join(images, 'train/coat/socket.png'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      expect(await reasonsOf()).toEqual({
        'bomb.png': 'is larger than 100 megapixels: shrink it (15000x8000)',
        'large.bin': 'is larger than 256 MiB: shrink it (it has 300 MiB)',
        'pipe.png': 'is a named pipe, not a file',
        'socket.png': 'is a socket, not a file',
        'zero.png': expect.stringMatching(/^is a link out of the folder: .*\/dev\/zero\)$/),
      });
    } finally {
      server.close();
    }
  });

  it('a CMYK JPEG is read by its Adobe marker, and rejected without one, whose colours are a guess', async () => {
    const marked = await picture(200, 40, 40).toColourspace('cmyk').jpeg().toBuffer();
    const at = marked.indexOf('Adobe', 0, 'latin1') - 4;
    expect(at).toBeGreaterThan(0);
    const length = 2 + marked.readUInt16BE(at + 2);
    await write({
      ...twoClasses,
      'train/coat/marked.jpg': marked,
      'train/coat/unmarked.jpg': Buffer.concat([marked.subarray(0, at), marked.subarray(at + length)]),
    });
    expect(await reasonsOf()).toEqual({
      'unmarked.jpg': expect.stringMatching(/CMYK JPEG without the Adobe marker.*sRGB/),
    });
  });

  it('a JPEG of which a part is missing is rejected, also where it has an end; one with stray bytes between segments is whole', async () => {
    const raw = Buffer.from(Array.from({ length: 200 * 200 * 3 }, (_, at) => (at * at) % 251));
    const whole = await sharp(raw, { raw: { width: 200, height: 200, channels: 3 } })
      .jpeg()
      .toBuffer();
    const end = Buffer.of(0xff, 0xd9);
    const tall = Buffer.from(whole);
    tall.writeUInt16BE(900, whole.indexOf(Buffer.of(0xff, 0xc0)) + 5);
    await write({
      ...twoClasses,
      'train/coat/quarter.jpg': Buffer.concat([whole.subarray(0, whole.length / 4), end]),
      'train/coat/tall.jpg': tall,
      'train/coat/stray.jpg': Buffer.concat([whole.subarray(0, -2), Buffer.of(0, 0, 0), end]),
    });
    expect(await reasonsOf({ size: 64 })).toEqual({
      'quarter.jpg': expect.stringMatching(/^is cut off or damaged/),
      'tall.jpg': expect.stringMatching(/^is cut off or damaged/),
    });
  });

  it('is turned as its EXIF data say, also where it is shrunk; 16 bits become 8, and of several frames the first counts', async () => {
    const halves = (top: number, bottom: number) =>
      Buffer.concat([Buffer.alloc(64 * 32, top), Buffer.alloc(64 * 32, bottom)]);
    const grey = { raw: { width: 64, height: 64, channels: 1 as const } };
    const upright = sharp(halves(250, 5), grey);
    await write({
      'train/a/upright.png': await upright.clone().png().toBuffer(),
      'train/b/on-its-head.jpg': await sharp(halves(5, 250), grey).withMetadata({ orientation: 3 }).jpeg().toBuffer(),
      'train/c/sixteen.png': await upright.clone().toColourspace('grey16').png().toBuffer(),
      'train/d/frames.gif': await sharp(
        [halves(250, 5), halves(5, 250)].map((raw) => ({ ...grey.raw, data: raw })) as never,
      )
        .gif()
        .toBuffer()
        .catch(() => upright.clone().gif().toBuffer()),
    });
    const { ref, store, about } = await prepare({ channels: 1 });
    expect(about.rejected).toEqual([]);
    const { images: pixels } = await loadSplit(store, ref, 'train');
    for (let row = 0; row < 4; row++) {
      const [top, bottom] = [pixels[row * 1024 + 4 * 32 + 16] ?? 0, pixels[row * 1024 + 27 * 32 + 16] ?? 0];
      expect([row, top > 200, bottom < 50]).toEqual([row, true, true]);
    }
  });
});
