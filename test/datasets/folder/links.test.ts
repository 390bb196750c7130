import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { images, prepare, refusal, twoClasses, useImageFolders, write } from '../image-folder.ts';

useImageFolders();

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
