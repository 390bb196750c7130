import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import { createArtifactWriter, digestOf, openStore } from '../../store/index.ts';
import { testStore } from './test-store.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-file-store-'));
afterAll(() => rm(root, { recursive: true, force: true }));

let number = 0;
testStore('file', async () => openStore(join(root, `store ${number++}`)));

it('is opened by a folder or a file: URL, and is the same store either way', async () => {
  const folder = join(root, 'same store');
  await openStore(folder).write('a', Buffer.from('x'));
  expect(await openStore(pathToFileURL(folder).href).exists('a')).toBe(true);
  expect(openStore(openStore(folder).url).locate('a')).toBe(join(folder, 'a'));
  const content = { bytes: 1, sha256: digestOf(Buffer.from('x')).sha256 };
  expect(await readFile(await openStore(folder).localFile('a', content), 'utf8')).toBe('x');
});

it('takes a relative folder from the current one', () => {
  expect(openStore('some/folder').locate('a')).toBe(join(process.cwd(), 'some/folder/a'));
});

it('says what is allowed for an address that it cannot open', () => {
  for (const url of ['', 'http://host/x', 'file://host/x'])
    expect(() => openStore(url), url).toThrow(
      expect.objectContaining({
        code: 'Usage',
        message: expect.stringMatching(/a folder, a file: URL such as .*, or an S3 URL/),
      }),
    );
});

it('hides what is being written, and sweeps it away only when the writer must be dead', async () => {
  const folder = join(root, 'leftovers');
  const store = openStore(folder);
  await store.write('a/file', Buffer.from('x'));
  await mkdir(join(folder, 'a/b'));
  const [fresh, old] = [join(folder, 'a/file.tmp-1-ab'), join(folder, 'a/b/state.tmp-2-cd')];
  await writeFile(fresh, 'half');
  await writeFile(old, 'half');
  const twoHoursAgo = Date.now() / 1000 - 2 * 60 * 60;
  await utimes(old, twoHoursAgo, twoHoursAgo);
  expect(await store.list('a')).toMatchObject([{ path: 'a/file', bytes: 1 }]);
  expect(await store.sweep('a')).toBe(1);
  expect((await readdir(join(folder, 'a'))).sort()).toEqual(['file', 'file.tmp-1-ab']);
});

it('lets no sweep take a staged file whose writer lives, however long it takes', async () => {
  const folder = join(root, 'staged');
  const store = openStore(folder);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  try {
    const staged = await store.stage([Buffer.from('x')]);
    for (let minutes = 0; minutes < 180; minutes += 20) {
      vi.advanceTimersByTime(20 * 60_000);
      expect(await store.sweep('staging')).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await staged.publish('a/file');
    expect(await store.list('a')).toMatchObject([{ path: 'a/file', bytes: 1 }]);
  } finally {
    vi.useRealTimers();
  }
});

it('is rid of what killed writers have staged once the next artifact is begun', async () => {
  const folder = join(root, 'killed');
  await mkdir(join(folder, 'staging'), { recursive: true });
  const old = join(folder, 'staging/file.tmp-1-ab');
  await writeFile(old, 'a shard');
  const twoHoursAgo = Date.now() / 1000 - 2 * 60 * 60;
  await utimes(old, twoHoursAgo, twoHoursAgo);
  const writer = createArtifactWriter(openStore(folder), 'dataset');
  await writer.add('a.bin', Buffer.from('a'));
  expect(await readdir(join(folder, 'staging'))).not.toContain('file.tmp-1-ab');
  await writer.discard();
});
