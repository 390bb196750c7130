import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readList } from '../../../datasets/folder/list.ts';
import {
  folder,
  images,
  png,
  prepare,
  reasonsOf,
  refusal,
  twoClasses,
  useImageFolders,
  write,
} from '../image-folder.ts';

useImageFolders();

/** Between finding a file and reading it. */
const whileChecking = (change: () => void) => ({
  onProgress: ({ phase }: { readonly phase: string }) => {
    if (phase === 'checking files') change();
  },
});

/** Every file is used, rejected with a reason, or a known dropping, and counted. */
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
    expect(text).toMatch(/^rejected\ttrain\/coat\/bad\.png\t4\t\d{4}-\d\d-\d\dT[\d:.]+Z\tis text, not an image$/m);
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
    const { about } = await prepare(
      {},
      whileChecking(() => {
        writeFileSync(changed, 'something else');
        rmSync(gone);
      }),
    );
    expect(about.rejected).toEqual([
      { path: 'train/coat/0.png', reason: 'changed while the folder was read' },
      { path: 'train/shirt/1.png', reason: 'vanished while the folder was read' },
    ]);
    expect(about.splits.train.perClass).toEqual([3, 3]);
  });

  it('a file that a pipe replaces while the folder is read is rejected, and not waited for', async () => {
    await write({ 'train/coat': 4, 'train/shirt': 4 });
    const replaced = join(images, 'train/coat/0.png');
    const { about } = await prepare(
      {},
      whileChecking(() => {
        rmSync(replaced);
        execFileSync('mkfifo', [replaced]);
      }),
    );
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
