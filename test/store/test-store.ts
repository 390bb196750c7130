import { readFile, stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { digestOf, type Store } from '../../store/index.ts';

/** What each driver must do. `open` gives an empty store of its own to every test. */
export function testStore(
  driver: string,
  open: () => Promise<Store>,
  { churn: rounds = 100 }: { readonly churn?: number } = {},
): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const textOf = (content: Uint8Array) => new TextDecoder().decode(content);
  const contentOf = (content: Uint8Array) => digestOf(content);
  /** More than a driver sends or reads in one piece, and no whole number of pieces. */
  const large = () => {
    const numbers = new Uint32Array(4.5 * 2 ** 20 + 3086);
    for (let at = 0; at < numbers.length; at++) numbers[at] = Math.imul(at, 2_654_435_761);
    return Buffer.from(numbers.buffer).subarray(0, -3);
  };

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

    it('gives back large content, given whole, in pieces or as a stream, and each part of it', async () => {
      const store = await open();
      const content = large();
      const piece = 2 ** 20 + 7;
      const pieces = Array.from({ length: Math.ceil(content.length / piece) }, (_, at) =>
        content.subarray(at * piece, (at + 1) * piece),
      );
      await store.write('a/whole', content);
      await store.write('a/pieces', pieces);
      await store.write(
        'a/stream',
        (async function* () {
          yield* pieces;
        })(),
      );
      for (const name of ['whole', 'pieces', 'stream'])
        expect(digestOf(await store.read(`a/${name}`)), name).toEqual(digestOf(content));
      for (const [from, to] of [
        [0, 10],
        [2 ** 24 - 5, 2 ** 24 + 5],
        [content.length - 3, content.length + 50],
      ] as const) {
        const part = await store.readRange('a/stream', from, to);
        expect(part.fileBytes).toBe(content.length);
        expect(Buffer.compare(part.content, content.subarray(from, to))).toBe(0);
      }
    });

    it('gives no bytes of a part that is empty or begins at the end, and says how long the file is', async () => {
      const store = await open();
      await store.write('a', bytes('12345'));
      await store.write('empty', []);
      expect(await store.readRange('a', 5, 9)).toMatchObject({ content: { length: 0 }, fileBytes: 5 });
      expect(await store.readRange('a', 7, 9)).toMatchObject({ content: { length: 0 }, fileBytes: 5 });
      expect(await store.readRange('a', 2, 2)).toMatchObject({ content: { length: 0 }, fileBytes: 5 });
      expect(await store.readRange('empty', 0, 9)).toMatchObject({ content: { length: 0 }, fileBytes: 0 });
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
      const listed = await store.list('b');
      expect(listed.map(({ path, bytes }) => [path, bytes])).toEqual([
        ['b/1', 3],
        ['b/2', 3],
        ['b/c/3', 5],
      ]);
      for (const { modifiedMs } of listed) expect(Math.abs(modifiedMs - Date.now())).toBeLessThan(60_000);
      expect(await store.list('nowhere')).toEqual([]);
      expect(await store.list('b/1')).toEqual([]);
    });

    it('lists many files, and the folders of a folder', async () => {
      const store = await open();
      const names = Array.from({ length: 60 }, (_, at) => String(at).padStart(4, '0'));
      await Promise.all(names.map((name) => store.write(`many/${name}/file`, bytes(name))));
      await store.write('many/plain', bytes('x'));
      expect((await store.list('many')).map(({ path }) => path)).toEqual([
        ...names.map((name) => `many/${name}/file`),
        'many/plain',
      ]);
      expect(await store.folders('many')).toEqual(names);
      expect(await store.folders('nowhere')).toEqual([]);
    });

    it('takes every name that a path may have', async () => {
      const store = await open();
      const names = ['ä ö+ü', '100%', 'a&b<c>"d"', '日本', 'q?x=1#y', "it's", 'a=b', '~', '..a', '%2F'];
      for (const name of names) await store.write(`names/${name}/file`, bytes(name));
      for (const name of names) expect(textOf(await store.read(`names/${name}/file`))).toBe(name);
      expect(new Set(await store.folders('names'))).toEqual(new Set(names));
      for (const name of names) await store.remove(`names/${name}/file`);
      expect(await store.list('names')).toEqual([]);
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

    it('gives a staged file its name, replacing one of that name, or none', async () => {
      const store = await open();
      await store.write('a/file', bytes('old'));
      const staged = await store.stage([bytes('one '), bytes('two')]);
      const other = await store.stage([bytes('never seen')]);
      expect(textOf(await staged.read())).toBe('one two');
      expect((await store.list('a')).map(({ bytes }) => bytes)).toEqual([3]);
      await staged.publish('a/file');
      await other.discard();
      expect(textOf(await store.read('a/file'))).toBe('one two');
      expect(await store.list('staging')).toEqual([]);
    });

    it('puts a file on this machine, for as long as it is in the store', async () => {
      const store = await open();
      const content = bytes('some content');
      const staged = await store.stage([content]);
      await staged.publish('a/staged');
      await store.write('a/written', content);
      for (const path of ['a/staged', 'a/written'])
        for (let time = 0; time < 2; time++)
          expect(await readFile(await store.localFile(path, contentOf(content)), 'utf8')).toBe('some content');
      await store.remove('a/written');
      await expect(store.localFile('a/written', contentOf(content))).rejects.toMatchObject({ code: 'CorruptArtifact' });
      const file = await store.localFile('a/staged', contentOf(content));
      expect((await stat(file)).size).toBe(content.length);
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

    it('knows no folder as a file', async () => {
      const store = await open();
      await store.write('a/b/file', []);
      expect(await store.exists('a/b')).toBe(false);
      expect(await store.exists('a/b/file')).toBe(true);
      await expect(store.read('a/b/none')).rejects.toMatchObject({ code: 'CorruptArtifact' });
    });

    it('misses no other file in a listing while folders come and go', async () => {
      const store = await open();
      await store.write('a/stays', bytes('x'));
      let done = false;
      const churn = (async () => {
        for (let i = 0; i < rounds; i++) {
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
      const missing = { code: 'CorruptArtifact', message: expect.stringContaining('a/missing') };
      await expect(store.read('a/missing')).rejects.toMatchObject(missing);
      await expect(store.readRange('a/missing', 0, 1)).rejects.toMatchObject(missing);
      await expect(store.localFile('a/missing', contentOf(bytes('x')))).rejects.toMatchObject(missing);
      expect(await store.exists('a/missing')).toBe(false);
    });

    it('refuses every operation on a path that could leave it', async () => {
      const store = await open();
      const outside = ['../x', '/x', 'a/../../x', 'a/..', '.', '', 'a//b', 'a/', 'a\\b', 'a\u0000b', 'a.tmp-1'];
      for (const path of outside) {
        const refused = { code: 'InvalidInput' };
        await expect(async () => store.read(path), path).rejects.toMatchObject(refused);
        await expect(async () => store.readRange(path, 0, 1), path).rejects.toMatchObject(refused);
        await expect(async () => store.write(path, bytes('x')), path).rejects.toMatchObject(refused);
        await expect(async () => store.writeExclusive(path, bytes('x')), path).rejects.toMatchObject(refused);
        await expect(async () => store.remove(path), path).rejects.toMatchObject(refused);
        await expect(async () => store.list(path), path).rejects.toMatchObject(refused);
        await expect(async () => store.exists(path), path).rejects.toMatchObject(refused);
        await expect(async () => store.localFile(path, contentOf(bytes('x'))), path).rejects.toMatchObject(refused);
      }
    });

    it('tells one writing of a file from another, or says that it cannot', async () => {
      const store = await open();
      expect(await store.writtenAs('a/file')).toBeNull();
      await store.write('a/file', bytes('same'));
      const first = await store.writtenAs('a/file');
      expect(await store.writtenAs('a/file')).toBe(first);
      await store.write('a/file', bytes('same'));
      if (first !== null) expect(await store.writtenAs('a/file')).not.toBe(first);
      await store.remove('a/file');
      expect(await store.writtenAs('a/file')).toBeNull();
    });

    it('is ready', async () => {
      const store = await open();
      await store.ready();
      expect(await store.list('staging')).toEqual([]);
    });
  });
}
