import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../store/index.ts';
import { createObjectCache, OtherContent } from '../../store/object-cache.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-object-cache-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let number = 0;
const open = (limit: number) => createObjectCache(join(root, String(number++)), limit);
const content = (name: string) => Buffer.alloc(100, name);

/** Counts what is fetched. */
function source() {
  const fetched: string[] = [];
  const fetch = (name: string) => async (temporary: string) => {
    fetched.push(name);
    await writeFile(temporary, content(name));
  };
  return { fetched, fetch };
}

/** As if it had last been used so long ago. */
const age = async (file: string, minutes: number) => {
  const then = Date.now() / 1000 - minutes * 60;
  await utimes(file, then, then);
};

describe('copies of files that never change', () => {
  it('are fetched once, also by several at once', async () => {
    const { fetched, fetch } = source();
    const cache = open(10_000);
    const places = await Promise.all([1, 2, 3].map(() => cache.file('a/x', digestOf(content('x')), fetch('x'))));
    await cache.file('a/x', digestOf(content('x')), fetch('x'));
    expect(new Set(places).size).toBe(1);
    expect(fetched).toEqual(['x']);
    expect(await readFile(places[0] as string)).toEqual(content('x'));
    expect((await stat(places[0] as string)).mode & 0o777).toBe(0o400);
  });

  it('have no name where what was fetched is another content, or fetching failed', async () => {
    const cache = open(10_000);
    const { fetch } = source();
    await expect(cache.file('a/x', digestOf(content('x')), fetch('y'))).rejects.toThrow(OtherContent);
    await expect(
      cache.file('a/x', digestOf(content('x')), async () => {
        throw new Error('away');
      }),
    ).rejects.toThrow('away');
    expect(await cache.paths()).toEqual([]);
  });

  it('go above the limit, those first that were not used for longest, and none that may be in use', async () => {
    const { fetched, fetch } = source();
    const cache = open(350);
    const get = (name: string) => cache.file(name, digestOf(content(name)), fetch(name));
    const [a, b, c] = [await get('a'), await get('b'), await get('c')];
    await age(a, 30);
    await age(b, 60);
    await age(c, 5);
    await get('d');
    expect((await cache.paths()).toSorted()).toEqual(['a', 'c', 'd']);
    await age(a, 5);
    await get('e');
    expect((await cache.paths()).toSorted(), 'all were used just now').toEqual(['a', 'c', 'd', 'e']);
    await get('b');
    expect(fetched.filter((name) => name === 'b')).toHaveLength(2);
  });

  it('take a file that was written here, and are dropped', async () => {
    const cache = open(10_000);
    const file = join(root, 'written');
    await writeFile(file, content('x'));
    await cache.take('a/x', file);
    const { fetched, fetch } = source();
    await cache.file('a/x', digestOf(content('x')), fetch('x'));
    expect(fetched).toEqual([]);
    await cache.drop('a/x');
    expect(await cache.paths()).toEqual([]);
  });
});
