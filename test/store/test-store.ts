import { describe, expect, it } from 'vitest';
import type { Store } from '../../store/index.ts';

/** What each driver must do. `open` gives an empty store of its own to every test. */
export function testStore(driver: string, open: () => Promise<Store>): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const textOf = (content: Uint8Array) => new TextDecoder().decode(content);

  describe(`a ${driver} store`, () => {
    it('gives back what was written, whole or in pieces', async () => {
      const store = await open();
      await store.write('a/whole', bytes('one two'));
      await store.write('a/pieces', [bytes('one '), bytes('two')]);
      await store.write(
        'a/stream',
        (async function* () {
          yield bytes('one ');
          yield bytes('two');
        })(),
      );
      await store.write('a/empty', []);
      for (const name of ['whole', 'pieces', 'stream']) expect(textOf(await store.read(`a/${name}`))).toBe('one two');
      expect(await store.read('a/empty')).toHaveLength(0);
    });

    it('replaces a file as a whole', async () => {
      const store = await open();
      await store.write('file', bytes('a long first version'));
      await store.write('file', bytes('short'));
      expect(textOf(await store.read('file'))).toBe('short');
    });

    it('lists every file below a folder by path, and nothing for a folder that is not there', async () => {
      const store = await open();
      for (const path of ['b/2', 'b/1', 'b/c/3', 'bb/4']) await store.write(path, bytes(path));
      expect(await store.list('b')).toEqual([
        { path: 'b/1', bytes: 3 },
        { path: 'b/2', bytes: 3 },
        { path: 'b/c/3', bytes: 5 },
      ]);
      expect(await store.list('nowhere')).toEqual([]);
    });

    it('keeps the old file and leaves nothing behind when a writer fails midway', async () => {
      const store = await open();
      await store.write('a/file', bytes('old'));
      const failing = (function* () {
        yield bytes('half of the n');
        throw new Error('the source failed');
      })();
      await expect(store.write('a/file', failing)).rejects.toThrow('the source failed');
      expect(textOf(await store.read('a/file'))).toBe('old');
      expect(await store.list('a')).toHaveLength(1);
    });

    it('lets exactly one of several exclusive writers succeed', async () => {
      const store = await open();
      const writers = Array.from({ length: 16 }, (_, index) =>
        store.writeExclusive('a/lock', bytes(`writer ${index}`)),
      );
      const won = await Promise.all(writers);
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(textOf(await store.read('a/lock'))).toBe(`writer ${won.indexOf(true)}`);
      expect(await store.list('a')).toHaveLength(1);
    });

    it('removes a file, also one that is not there, and writes into the emptied folder again', async () => {
      const store = await open();
      await store.write('a/b/file', bytes('x'));
      await store.remove('a/b/file');
      await store.remove('a/b/file');
      expect(await store.exists('a/b/file')).toBe(false);
      await store.write('a/b/file', bytes('y'));
      expect(await store.exists('a/b/file')).toBe(true);
    });

    it('misses no other file in a listing while folders come and go', async () => {
      const store = await open();
      await store.write('a/stays', bytes('x'));
      let done = false;
      const churn = (async () => {
        for (let i = 0; i < 100; i++) {
          await store.write(`a/comes-and-goes-${i % 3}/file`, bytes('x'));
          await store.remove(`a/comes-and-goes-${i % 3}/file`);
        }
        done = true;
      })();
      while (!done) expect((await store.list('a')).map(({ path }) => path)).toContain('a/stays');
      await churn;
    });

    it('says which file is missing', async () => {
      const store = await open();
      await expect(store.read('a/missing')).rejects.toMatchObject({
        code: 'CorruptArtifact',
        message: expect.stringContaining('a/missing'),
      });
      await expect(store.localFile('a/missing')).rejects.toMatchObject({ code: 'CorruptArtifact' });
      expect(await store.exists('a/missing')).toBe(false);
    });

    it('refuses every operation on a path that could leave it', async () => {
      const store = await open();
      const outside = ['../x', '/x', 'a/../../x', 'a/..', '.', '', 'a//b', 'a/', 'a\\b', 'a\u0000b', 'a.tmp-1'];
      for (const path of outside) {
        const refused = { code: 'InvalidInput' };
        await expect(async () => store.read(path), path).rejects.toMatchObject(refused);
        await expect(async () => store.write(path, bytes('x')), path).rejects.toMatchObject(refused);
        await expect(async () => store.writeExclusive(path, bytes('x')), path).rejects.toMatchObject(refused);
        await expect(async () => store.remove(path), path).rejects.toMatchObject(refused);
        await expect(async () => store.list(path), path).rejects.toMatchObject(refused);
        await expect(async () => store.exists(path), path).rejects.toMatchObject(refused);
      }
    });
  });
}
