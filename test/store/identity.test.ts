import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { identityOf, openStore } from '../../store/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-identity-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const store = openStore(pathToFileURL(folder).href);

it('a store is told once who it is', async () => {
  expect(await identityOf(store)).toBe(await identityOf(store));
});

it('a file that is damaged is to be taken from a backup', async () => {
  await writeFile(join(folder, 'damaged.json'), '{');
  await expect(identityOf(store, 'damaged.json')).rejects.toMatchObject({
    code: 'CorruptArtifact',
    message: expect.stringContaining('Take it from a backup'),
  });
});

it('one that cannot be read is not called damaged', async () => {
  await mkdir(join(folder, 'unread.json'));
  await expect(identityOf(store, 'unread.json')).rejects.toMatchObject({
    code: 'StoreUnreadable',
    message: expect.stringContaining(join(folder, 'unread.json')),
  });
});
