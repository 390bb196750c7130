import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeFolder } from '../../cli/page-folder.ts';
import { requireFilePlace, writeWhole } from '../../cli/write-whole.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-to-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const usage = (message: string) => ({ code: 'Usage', message: expect.stringContaining(message) });
const keep = { replace: false };

it('a file is written where there was none, with the folders above it, and not over one that came meanwhile', async () => {
  await requireFilePlace(at('a/b/new'), keep);
  await writeWhole(at('a/b/new'), 'one', keep);
  await expect(writeWhole(at('a/b/new'), 'two', keep)).rejects.toMatchObject(usage('is there already'));
  expect(await readFile(at('a/b/new'), 'utf8')).toBe('one');
  await writeWhole(at('a/b/new'), 'two', { replace: true });
  expect(await readFile(at('a/b/new'), 'utf8')).toBe('two');
});

it('a file is written over where that is said, or where it has the same content', async () => {
  await writeFile(at('old'), 'old');
  await expect(requireFilePlace(at('old'), keep)).rejects.toMatchObject(usage('say --replace'));
  await expect(requireFilePlace(at('old'), keep, 'new')).rejects.toMatchObject(usage('say --replace'));
  await requireFilePlace(at('old'), keep, 'old');
  await requireFilePlace(at('old'), { replace: true });
});

it('a link is kept: what it leads to is written, and one that leads nowhere is refused', async () => {
  await writeFile(at('target'), 'old');
  await symlink('target', at('link'));
  await writeWhole(at('link'), 'new', { replace: true });
  expect(await readFile(at('target'), 'utf8')).toBe('new');
  await symlink('nowhere', at('dangling'));
  for (const replace of [true, false])
    await expect(requireFilePlace(at('dangling'), { replace })).rejects.toMatchObject(
      usage('a link to what is not there'),
    );
  await expect(requireFilePlace(at('target/x'), keep)).rejects.toMatchObject(usage('leads through a file'));
  await expect(requireFilePlace(folder, { replace: true })).rejects.toMatchObject(usage('is a folder, not a file'));
});

it('a page is written into a folder over none that is another, and nothing of it where one is', async () => {
  const files = (page: string) =>
    new Map([
      ['report.html', Buffer.from(page)],
      ['plots/a.svg', Buffer.from(`drawing of ${page}`)],
    ]);
  await writeFolder(at('pages'), files('one'), keep);
  await writeFolder(at('pages'), files('one'), keep);
  await expect(writeFolder(at('pages'), files('two'), keep)).rejects.toMatchObject(usage('is there already'));
  expect(await readFile(at('pages/plots/a.svg'), 'utf8')).toBe('drawing of one');
  await writeFolder(at('pages'), files('two'), { replace: true });
  expect(await readFile(at('pages/report.html'), 'utf8')).toBe('two');
});
