import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindOf, makeTable } from '../../examples/tuxpaint/table.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-examples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the kind of a stamp', () => {
  it.each([
    ['animals/birds/owl.png', 'animals/birds'],
    ['animals/birds/cartoon/tux.png', 'animals/birds'],
    ['animals/mammals/cats/cat.png', 'animals/mammals'],
    ['town/cartoon/shop.png', 'town'],
    ['sports/ball.png', 'sports'],
  ])('of %s is %s', (path, kind) => {
    expect(kindOf(path)).toBe(kind);
  });
});

describe('the table of stamps', () => {
  it('has a row for each picture, in the order of their paths, with the names of other files left out', async () => {
    const stamps = join(folder, 'stamps');
    for (const path of ['food/fruit/pear, green.png', 'animals/birds/owl.png', 'animals/birds/owl.txt', 'town/a.svg']) {
      await mkdir(dirname(join(stamps, path)), { recursive: true });
      await writeFile(join(stamps, path), '');
    }
    const { table, rows, kinds } = await makeTable(stamps, folder, 'stamps');
    expect({ rows, kinds }).toEqual({ rows: 2, kinds: 2 });
    expect(await readFile(table, 'utf8')).toBe(
      'image,label,category\nstamps/animals/birds/owl.png,animals/birds,animals\n"stamps/food/fruit/pear, green.png",food/fruit,food\n',
    );
  });

  it('is refused where there is no picture', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    await expect(makeTable(empty, folder, 'empty')).rejects.toThrow(`There is no picture in ${empty}.`);
  });
});
