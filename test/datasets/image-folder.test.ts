import { execFile, execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareDataParams } from '../../contracts/kinds/prepare-data.ts';
import { readList } from '../../datasets/folder/list.ts';
import { cannotRead, reasonOf } from '../../datasets/folder/walk.ts';
import { loadSplit, prepareDataset, readRowDigests } from '../../datasets/index.ts';
import { openStore } from '../../store/index.ts';

/** Folders as people have them: every file is used, rejected with a reason, or a known dropping; or the folder is refused by name. */

const run = promisify(execFile);
const root = await mkdtemp(join(tmpdir(), 'contrail-folder-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let folder: string;
let images: string;
let number = 0;
beforeEach(async () => {
  folder = join(root, String(number++));
  images = join(folder, 'images');
  await mkdir(images, { recursive: true });
});

const picture = (shade: number, width = 9, height = 8) =>
  sharp({ create: { width, height, channels: 3, background: { r: shade, g: 255 - shade, b: (7 * shade) % 256 } } });
const png = (shade: number) => picture(shade).png().toBuffer();

let shade = 0;
/** Writes files: `{ 'train/coat': 3 }` is three different PNGs, `{ 'a.txt': 'text' }` a file of text. */
async function write(content: Readonly<Record<string, number | string | Buffer>>, into = images): Promise<void> {
  for (const [path, what] of Object.entries(content)) {
    const target = join(into, path);
    await mkdir(typeof what === 'number' ? target : dirname(target), { recursive: true });
    if (typeof what === 'number')
      for (let index = 0; index < what; index++)
        await writeFile(join(target, `${index}.png`), await png(shade++ % 256));
    else await writeFile(target, what);
  }
}

const twoClasses = { 'train/coat': 3, 'train/shirt': 3 };

async function prepare(params: object = {}) {
  const list = join(folder, 'list.tsv');
  const store = openStore(join(folder, 'store'));
  const prepared = await prepareDataset(
    store,
    prepareDataParams.parse({ dataset: 'image-folder', path: images, validation: 0, test: 0, ...params }),
    {
      cacheFolder: join(folder, 'cache'),
      keepList: async (lines) => {
        await writeFile(list, Buffer.concat([...lines]));
        return list;
      },
    },
  );
  return { ...prepared, store, list };
}

const refusal = async (params: object = {}) => {
  const error = await prepare(params).then(
    () => new Error('it was accepted'),
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ code: 'InvalidDataset' });
  return error.message;
};

const reasonsOf = async (params: object = {}) => {
  const { about } = await prepare(params);
  return Object.fromEntries(about.rejected.map(({ path, reason }) => [path.split('/').at(-1), reason]));
};

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

describe('the account', () => {
  it('adds up: found = used + left out + rejected + ignored, and the list has every file', async () => {
    await write({
      ...twoClasses,
      'train/shirt/red/deep': 4,
      'train/coat/bad.png': 'text',
      'train/coat/.DS_Store': 'x',
      'train/coat/._0.png': 'x',
      'train/__MACOSX/coat/._0.png': 'x',
      'train/@eaDir/thumb.png': await png(1),
      'train/coat/@eaDir/thumb.png': await png(1),
      '$RECYCLE.BIN/old.png': await png(1),
      'train/Thumbs.db': 'x',
      'desktop.ini': 'x',
      '.git/config': 'x',
    });
    const { summary, about, list } = await prepare({ limit: { train: 8 } });
    expect(about.classes).toEqual(['coat', 'shirt']);
    expect(summary.files).toEqual({ found: 20, used: 8, leftOut: 2, rejected: 1, ignored: 9 });
    expect(summary.ignored).toEqual({ macOS: 3, 'network storage': 2, Windows: 3, 'version control': 1 });
    expect(summary.incomplete).toEqual([{ class: 'coat', found: 4, used: 3, rejected: 1 }]);
    const text = await readFile(list, 'utf8');
    expect(readList(text).size).toBe(11);
    expect(text).toMatch(/^rejected\ttrain\/coat\/bad\.png\t4\t[\d.]+\tis text, not an image$/m);
    expect(text.match(/^train\t/gm)).toHaveLength(8);
    expect(text.match(/^left out by the limit\t/gm)).toHaveLength(2);
    expect(text).toContain('3 left behind by macOS');
  });

  it('names with line breaks and tabs stay one line of the list, and are read back', async () => {
    await write({ ...twoClasses, 'train/coat/new\nline\t"x".png': await png(9), 'train/coat/=cmd.png': await png(8) });
    const { list } = await prepare();
    const files = readList(await readFile(list, 'utf8'));
    expect([...files.keys()]).toEqual(expect.arrayContaining(['train/coat/new\nline\t"x".png', 'train/coat/=cmd.png']));
  });

  it('too many rejected: all are counted, the first of each reason are named, and all are in the list', async () => {
    await write(twoClasses);
    for (let index = 0; index < 30; index++) await write({ [`train/coat/bad-${index}.png`]: index % 3 ? 'text' : '' });
    const message = await refusal();
    expect(message).toMatch(/^30 files cannot be used, and maximumRejected is 10/);
    expect(message).toMatch(/20 files, first train\/coat\/bad-1\.png, .*: is text, not an image/);
    expect(message).toMatch(/10 files, first train\/coat\/bad-0\.png, .*: is empty/);
    const list = await readFile(join(folder, 'list.tsv'), 'utf8');
    expect(message).toContain(join(folder, 'list.tsv'));
    expect(list.match(/^rejected\t/gm)).toHaveLength(30);
  });

  it('a file that changes or vanishes while the folder is read is rejected', async () => {
    await write({ 'train/coat': 4, 'train/shirt': 4 });
    const [changed, gone] = [join(images, 'train/coat/0.png'), join(images, 'train/shirt/1.png')];
    const store = openStore(join(folder, 'store'));
    const params = prepareDataParams.parse({ dataset: 'image-folder', path: images, validation: 0, test: 0 });
    const { about } = await prepareDataset(store, params, {
      cacheFolder: folder,
      onProgress: ({ phase }) => {
        if (phase !== 'checking files') return;
        writeFileSync(changed, 'something else');
        rmSync(gone);
      },
    });
    expect(about.rejected).toEqual([
      { path: 'train/coat/0.png', reason: 'changed while the folder was read' },
      { path: 'train/shirt/1.png', reason: 'vanished while the folder was read' },
    ]);
    expect(about.splits.train.perClass).toEqual([3, 3]);
  });

  it('a file that a pipe replaces while the folder is read is rejected, and not waited for', async () => {
    await write({ 'train/coat': 4, 'train/shirt': 4 });
    const replaced = join(images, 'train/coat/0.png');
    const params = prepareDataParams.parse({ dataset: 'image-folder', path: images, validation: 0, test: 0 });
    const { about } = await prepareDataset(openStore(join(folder, 'store')), params, {
      cacheFolder: folder,
      onProgress: ({ phase }) => {
        if (phase !== 'checking files') return;
        rmSync(replaced);
        execFileSync('mkfifo', [replaced]);
      },
    });
    expect(about.rejected).toEqual([{ path: 'train/coat/0.png', reason: 'is no longer a file' }]);
  });

  it('every problem of the whole is in the list, however many the message has room for', async () => {
    await write(twoClasses);
    for (let at = 0; at < 20; at++) await write({ [`other-${at}/x`]: 1 });
    expect(await refusal()).toMatch(/20 problems[\s\S]*and 8 more/);
    expect((await readFile(join(folder, 'list.tsv'), 'utf8')).match(/^problem\t/gm)).toHaveLength(20);
  });

  it('a class of which no file can be used is an error, with the reasons', async () => {
    await write({ ...twoClasses, 'train/dress/a.png': 'text' });
    expect(await refusal()).toMatch(/No image is left of dress[\s\S]*train\/dress\/a\.png: is text/);
  });

  it('images and tables outside the classes are rejected by name', async () => {
    await write({ ...twoClasses, 'train/stray.png': await png(1), 'stray.png': await png(2), 'labels.csv': 'a,b' });
    expect((await prepare()).about.rejected).toEqual([
      { path: 'labels.csv', reason: 'is not read: labels are the names of folders only' },
      { path: 'stray.png', reason: expect.stringMatching(/^lies beside the folders/) },
      { path: 'train/stray.png', reason: expect.stringMatching(/^lies beside the folders/) },
    ]);
  });

  it('hidden files and folders that no program is known for are rejected by name', async () => {
    await write({ ...twoClasses, 'train/coat/.mine.png': await png(1), 'train/.class/0.png': await png(2) });
    expect(await reasonsOf()).toEqual({
      '.class': 'is a hidden folder (1 file), as its name begins with a dot: rename or remove it',
      '.mine.png': 'is hidden, as its name begins with a dot: rename or remove it',
    });
  });
});

describe('names of splits', () => {
  for (const [name, split] of [
    ['val', 'validation'],
    ['valid', 'validation'],
    ['Validation', 'validation'],
    ['Test', 'test'],
    ['TEST', 'test'],
  ] as const)
    it(`${name}/ is the ${split} set`, async () => {
      await write({ 'Train/coat': 3, 'Train/shirt': 3, [`${name}/coat`]: 2, [`${name}/shirt`]: 2 });
      const { splits } = (await prepare()).about;
      expect([splits.train.count, splits[split].count]).toEqual([6, 4]);
    });

  for (const [name, remedy] of [
    [
      'dev',
      /dev\/ \(2 files\) is none of the folders that count beside train\/: train, validation \(or val, valid\) and test.*rename it validation/,
    ],
    ['Testing', /rename it test/],
    ['extra', /extra\/ \(2 files\) is none of .* Move it away, or into train\//],
  ] as const)
    it(`${name}/ beside train/ is refused by name`, async () => {
      await write({ ...twoClasses, [`${name}/coat`]: 2 });
      expect(await refusal()).toMatch(remedy);
    });

  it('two folders for one split are refused', async () => {
    await write({ ...twoClasses, 'val/coat': 1, 'Valid/coat': 1 });
    expect(await refusal()).toMatch(/Valid\/, val\/ both mean validation: keep one/);
  });

  it('a test folder without train is no class', async () => {
    await write({ coat: 2, shirt: 2, 'Test/coat': 1 });
    expect(await refusal()).toMatch(/Test\/ is here, and no train\//);
  });

  it('Training/ and Testing/ of the same classes are no two classes', async () => {
    await write({ 'Training/coat': 2, 'Training/shirt': 2, 'Testing/coat': 1 });
    expect(await refusal()).toMatch(/Training\/ holds folders.*rename it train[\s\S]*|Testing/);
  });

  it('a folder around it all is named', async () => {
    await write({ 'archive/train/coat': 2, 'archive/train/shirt': 2 });
    expect(await refusal()).toMatch(/archive\/, holds folders.*name archive in `path`/);
  });

  it('a test class that train lacks, an empty class and a strange folder are told at once', async () => {
    await write({ ...twoClasses, 'test/sock': 1, 'holdout/coat': 1 });
    await mkdir(join(images, 'train/dress'));
    const message = await refusal();
    expect(message).toMatch(/3 problems/);
    for (const part of [
      /holdout\/ \(1 file\)/,
      /train\/dress has no image/,
      /test set has classes that train\/ lacks: sock/,
    ])
      expect(message).toMatch(part);
  });
});

describe('names of classes', () => {
  it('that differ in Unicode form are one class, in a split and between splits', async () => {
    const [composed, decomposed] = ['Übung'.normalize('NFC'), 'Übung'.normalize('NFD')];
    await write({ 'train/coat': 2, [`train/${composed}`]: 2, [`train/${decomposed}`]: 3, [`test/${decomposed}`]: 1 });
    const { about, summary } = await prepare();
    expect(about.classes).toEqual(['coat', composed]);
    expect([about.splits.train.perClass, about.splits.test.perClass]).toEqual([
      [2, 5],
      [0, 1],
    ]);
    expect(summary.warnings.join()).toMatch(/2 folders of train are named Übung in different Unicode forms/);
  });

  for (const [one, other] of [
    ['Shirt', 'shirt'],
    ['shirt', 'shirt '],
    ['STRASSE', 'straße'],
    ['shirt', 'ｓｈｉｒｔ'],
    ['shirt', 'shi\u200brt'],
  ] as const)
    it(`${JSON.stringify(one)} and ${JSON.stringify(other)} look the same and are refused with their code points`, async () => {
      await write({ 'train/coat': 1, [`train/${one}`]: 1, [`train/${other}`]: 1 });
      expect(await refusal()).toMatch(/look the same: .*U\+.*U\+/);
    });

  it('the dotless i is another letter', async () => {
    await write({ 'train/kız': 1, 'train/kiz': 1 });
    expect((await prepare()).about.classes).toEqual(['kiz', 'kız']);
  });

  it('a name of another case in the test set is refused', async () => {
    await write({ ...twoClasses, 'test/Coat': 1 });
    expect(await refusal()).toMatch(/look the same: "Coat" .*"coat"/);
  });

  it('may be in any script, with control characters, and as long as the file system allows', async () => {
    const names = ['פריט', '衣服', '👗', 'a\nb', 'x'.repeat(250), '-rf', "it's"];
    await write(Object.fromEntries(names.map((name) => [`train/${name}`, 1])));
    expect(new Set((await prepare()).about.classes)).toEqual(new Set(names));
  });
});

describe('links', () => {
  it('to files and folders inside are followed, and what is read through them need not be elsewhere', async () => {
    await write({ ...twoClasses, 'pool/dress': 5, 'pool/single': 1 });
    await symlink('../pool/dress', join(images, 'train/dress'));
    await symlink('../../pool/single/0.png', join(images, 'train/coat/linked.png'));
    const { about } = await prepare();
    expect(about.classes).toEqual(['coat', 'dress', 'shirt']);
    expect(about.splits.train.perClass).toEqual([4, 5, 3]);
    expect(about.rejected).toEqual([]);
  });

  it('that lead nowhere, out or round in a circle are rejected by name, and end', async () => {
    await write(twoClasses);
    const coat = join(images, 'train/coat');
    await symlink('nowhere.png', join(coat, 'broken.png'));
    await symlink('itself.png', join(coat, 'itself.png'));
    await symlink('/etc/passwd', join(coat, 'out.png'));
    await symlink('..', join(coat, 'up'));
    await symlink('.', join(coat, 'here'));
    await symlink('/etc', join(coat, 'folder-out'));
    const { about } = await prepare();
    expect(about.splits.train.perClass).toEqual([3, 3]);
    expect(Object.fromEntries(about.rejected.map(({ path, reason }) => [path, reason]))).toEqual({
      'train/coat/broken.png': 'is a link to what does not exist (nowhere.png)',
      'train/coat/itself.png': 'is a link that leads back to itself',
      'train/coat/out.png': expect.stringMatching(/^is a link out of the folder: .*\/etc\/passwd\)$/),
      'train/coat/folder-out': expect.stringMatching(/^is a link out of the folder: .*\/etc\)$/),
      'train/coat/up': 'is a link to a folder that it lies in: remove it',
      'train/coat/here': 'is a link to a folder that it lies in: remove it',
    });
  });

  it('that stand for classes and lead nowhere or out are refused: a class must not vanish', async () => {
    await write(twoClasses);
    await symlink('/etc', join(images, 'train/dress'));
    await symlink('gone', join(images, 'train/sock'));
    const message = await refusal();
    expect(message).toMatch(/train\/dress is a link out of the folder/);
    expect(message).toMatch(/train\/sock is a link to what does not exist \(gone\)/);
  });

  it('that lead to each other a hundred ways are read once', async () => {
    await write(twoClasses);
    for (let at = 0; at < 8; at++) await mkdir(join(images, `train/coat/f${at}`));
    for (let at = 0; at < 8; at++)
      for (let to = 0; to < 8; to++)
        if (to !== at) await symlink(`../f${to}`, join(images, `train/coat/f${at}/to${to}`));
    const { about } = await prepare({ maximumRejected: 1000 });
    expect(about.splits.train.perClass).toEqual([3, 3]);
    expect(about.rejected.length).toBeLessThanOrEqual(56);
  });
});

describe('a path that is no folder of images', () => {
  for (const [what, content, message] of [
    ['photos.zip', Buffer.from('PK\x03\x04'), /photos\.zip is a zip archive, not a folder\. Unpack it/],
    ['photos.tar.gz', Buffer.from([0x1f, 0x8b, 8]), /is a gzip archive, not a folder\. Unpack it/],
    ['labels.csv', 'file,label', /labels\.csv is a file, not a folder\. Tables of labels are not read/],
    ['0.png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), /0\.png is a file, not a folder/],
  ] as const)
    it(`${what} gets its own sentence, with the layout`, async () => {
      await write({ [what]: content });
      const text = await refusal({ path: join(images, what) });
      expect(text).toMatch(message);
      expect(text).toContain('<path>/train/<class>/');
    });

  it('one that is not there, one through a file, one that is empty, and images without classes', async () => {
    expect(await refusal({ path: join(images, 'none') })).toMatch(/none does not exist/);
    await write({ 'a.png': await png(1) });
    expect(await refusal({ path: join(images, 'a.png/x') })).toMatch(/leads through a file/);
    const text = await refusal();
    expect(text).toMatch(/no class folder; at least 2 are needed/);
    expect(text).toMatch(/a\.png lies beside the folders/);
    await write({ 'labels.csv': 'x', 'images/0.png': await png(2) });
    expect(await refusal()).toMatch(
      /1 class folder[\s\S]*labels\.csv is not read: labels are the names of folders only/,
    );
  });
});

describe('what the file system refuses', () => {
  const error = (code: string) =>
    Object.assign(new Error(`${code}: x, open 'x'`), { code, path: 'x', syscall: 'open' });

  it('is said of one file as its reason, and of a folder as a final error; only what is ours is thrown on', () => {
    expect(reasonOf(error('EACCES'))).toBe('cannot be read: this user is not permitted to');
    expect(reasonOf(error('EIO'))).toBe('cannot be read (EIO)');
    expect(reasonOf(error('ENOENT'))).toBe('vanished while the folder was read');
    expect(() => reasonOf(error('EMFILE'))).toThrow('EMFILE');
    for (const code of ['EACCES', 'EIO', 'ESTALE', 'ENOENT'])
      expect(cannotRead('/photos', error(code))).toMatchObject({
        code: 'InvalidDataset',
        message: expect.stringMatching(/\/photos cannot be read/),
      });
    expect(cannotRead('/photos', error('EMFILE'))).toMatchObject({ code: 'EMFILE' });
  });

  it('a user who may not read a file or a folder is told which', async () => {
    await write(twoClasses);
    const isRoot = process.getuid?.() === 0;
    await chmod(root, 0o755);
    await chmod(join(images, 'train/coat/0.png'), 0);
    const script = fileURLToPath(new URL('./processes/prepare-folder.ts', import.meta.url));
    const outcome = async () => {
      const who = isRoot ? { uid: 65534, gid: 65534 } : {};
      const { stdout } = await run(process.execPath, ['--import', 'tsx', script, images], {
        ...who,
        env: { PATH: process.env.PATH, TMPDIR: '/tmp' },
      });
      return JSON.parse(stdout);
    };
    expect(await outcome()).toEqual({
      rejected: [{ path: 'train/coat/0.png', reason: 'cannot be read: this user is not permitted to' }],
    });
    await chmod(join(images, 'train/shirt'), 0);
    expect(await outcome()).toEqual({
      error: expect.objectContaining({
        code: 'InvalidDataset',
        message: expect.stringMatching(
          /The folder .*train\/shirt cannot be read: this user \(number \d+\) is not permitted/,
        ),
      }),
    });
    await chmod(join(images, 'train/shirt'), 0o755);
  });
});

describe('what is said before any training', () => {
  it('which splits and classes have no image', async () => {
    for (let index = 0; index < 6; index++) await write({ [`train/c${index}`]: 1 });
    await write({ 'test/c0': 1 });
    await mkdir(join(images, 'val/c0'), { recursive: true });
    const { summary } = await prepare({ validation: 0.1 });
    expect(summary.warnings).toEqual([
      'No class has two training images, so SupCon has no pair to learn from: add images.',
      'No test image of 5 of 6 classes (c1, c2, c3, c4, c5): nothing is measured of them.',
      expect.stringMatching(/^The validation set is empty/),
    ]);
  });

  it('which images are in two splits or two classes: the same bytes, or the same to look at', async () => {
    await write(twoClasses);
    await cp(join(images, 'train/coat/0.png'), join(images, 'test/coat/copy.png'), { recursive: true });
    const again = await sharp(join(images, 'train/coat/1.png')).png({ compressionLevel: 0 }).toBuffer();
    await write({ 'test/coat/again.png': again, 'test/shirt': 1, 'train/shirt/also.png': again });
    const { ref, store, summary } = await prepare();
    expect(summary.copies).toEqual([
      {
        split: 'test',
        alsoIn: 'train',
        images: 2,
        sameBytes: 2,
        first: [
          { image: 'test/coat/again.png', copyOf: 'train/coat/1.png' },
          { image: 'test/coat/copy.png', copyOf: 'train/coat/0.png' },
        ],
      },
    ]);
    expect(summary.warnings.join('\n')).toMatch(/2 of 3 test images are exact copies of train images/);
    expect(summary.warnings.join('\n')).toMatch(/train\/shirt\/also\.png is train\/coat\/1\.png/);
    const [train, test] = [await readRowDigests(store, ref, 'train'), await readRowDigests(store, ref, 'test')];
    expect(test?.source.filter((digest) => train?.source.includes(digest))).toHaveLength(2);
  });
});
