import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianPackage } from '../../examples/packages/debian-package.ts';
import { requireIntegrity } from '../../examples/packages/npm-package.ts';
import { unpackedOnce } from '../../examples/packages/unpacked.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-examples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('an archive of npm', () => {
  const archive = new TextEncoder().encode('an archive');
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  const pinned = { name: 'pictures', version: '1.0.0', integrity };

  it('is taken by its digest', () => {
    expect(() => requireIntegrity(archive, pinned)).not.toThrow();
  });

  it('is refused where it is another', () => {
    expect(() => requireIntegrity(new TextEncoder().encode('another'), pinned)).toThrow(
      /^The archive of pictures 1\.0\.0 is not the one that is pinned: expected sha512-.+, found sha512-.+\.$/,
    );
  });
});

describe('an archive of Debian', () => {
  it('is refused where it is another, and leaves nothing', async () => {
    const cache = await mkdtemp(join(folder, 'debian-'));
    const archive = join(folder, 'another.deb');
    await writeFile(archive, 'another');
    await expect(
      debianPackage({ name: 'stamps', version: '1', sha256: '0'.repeat(64) }, { cache, archive }),
    ).rejects.toThrow(/another\.deb is not the archive of stamps 1 that is pinned: expected SHA-256 0{64}, found/);
    expect(await readdir(cache)).toEqual([]);
  });
});

describe('a folder that is made once', () => {
  const madeWith = (target: string, text: string) =>
    unpackedOnce(target, async (temporary) => {
      await mkdir(join(temporary, 'content'));
      await writeFile(join(temporary, 'content', 'file'), text);
      return join(temporary, 'content');
    });

  it('stays as it was made first, with nothing beside it', async () => {
    const target = join(folder, 'once', 'made');
    await madeWith(target, 'first');
    expect(await madeWith(target, 'second')).toBe(target);
    expect(await readFile(join(target, 'file'), 'utf8')).toBe('first');
    expect(await readdir(join(folder, 'once'))).toEqual(['made']);
  });

  it('is not there where its making failed', async () => {
    const target = join(folder, 'failed', 'made');
    await expect(unpackedOnce(target, () => Promise.reject(new Error('cut off')))).rejects.toThrow('cut off');
    expect(await readdir(join(folder, 'failed'))).toEqual([]);
  });
});
