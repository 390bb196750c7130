import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cannotRead, reasonOf } from '../../../datasets/folder/walk.ts';
import { images, png, refusal, root, twoClasses, useImageFolders, write } from '../image-folder.ts';

useImageFolders();

const run = promisify(execFile);

describe('a path that is no folder of images', () => {
  for (const [what, content, message] of [
    ['photos.zip', Buffer.from('PK\x03\x04'), /photos\.zip is a zip archive, not a folder\. Unpack it/],
    ['photos.tar.gz', Buffer.from([0x1f, 0x8b, 8]), /is a gzip archive, not a folder\. Unpack it/],
    ['labels.csv', 'file,label', /labels\.csv is a table, not a folder\. It is read by `dataset: table`/],
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

describe('a relative path that is not there', () => {
  it.each([
    ['of a folder', { path: 'no/photos' }],
    ['of a table', { dataset: 'table', path: 'no/products.csv' }],
    ['of MNIST', { dataset: 'mnist', path: 'no/mnist' }],
  ])('%s says where it was looked for', async (_, params) => {
    expect(await refusal(params)).toContain(
      `does not exist on the worker's machine. A relative path begins in ${process.cwd()}, where this process was started.`,
    );
  });

  it('says nothing of the kind where it is absolute', async () => {
    expect(await refusal({ path: join(images, 'none') })).not.toContain('relative');
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
    const script = fileURLToPath(new URL('../processes/prepare-folder.ts', import.meta.url));
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
