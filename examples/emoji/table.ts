import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import sharp from 'sharp';
import { csvOf } from '../../contracts/spreadsheet.ts';
import { writeWhole } from '../packages/write-whole.ts';
import { plainSequence } from './base.ts';
import { type Emoji, readEmojiList } from './emoji-list.ts';
import type { House } from './packages.ts';

const side = 64;
const renderedAtOnce = 200;

/** The folders of the unpacked packages. */
export type Sources = Readonly<Record<House, string>>;

/**
 * Makes the table of products: a row for each picture, with the base emoji as its label and its group, and the house that drew it as its
 * category. OpenMoji's drawings are vectors, which become pictures of 64 pixels first.
 *
 * @param folder where the table and these pictures are written; the packages lie in it
 * @returns the table, and how many rows each house has
 * @throws Error where a house lacks everything
 */
export async function makeTable(
  sources: Sources,
  folder: string,
): Promise<{ readonly table: string; readonly rows: Readonly<Record<House, number>> }> {
  const emoji = readEmojiList(await readFile(join(sources.twitter, 'emoji.json'), 'utf8'));
  const pictures: Readonly<Record<House, ReadonlyMap<string, string>>> = {
    twitter: await picturesIn(join(sources.twitter, 'img', 'twitter', String(side)), '.png'),
    google: await picturesIn(join(sources.google, 'img', 'google', String(side)), '.png'),
    openmoji: await rendered(join(sources.openmoji, 'color', 'svg'), join(folder, 'openmoji'), emoji),
  };
  const rowsOf = (house: House) => rowsOfHouse(house, emoji, pictures[house], folder);
  const rows = { twitter: rowsOf('twitter'), google: rowsOf('google'), openmoji: rowsOf('openmoji') };
  for (const [house, { length }] of Object.entries(rows))
    if (length === 0) throw new Error(`None of ${emoji.length} emoji has a picture of ${house}.`);
  const table = join(folder, 'products.csv');
  await writeWhole(table, csvOf(['image', 'label', 'group', 'category'], Object.values(rows).flat()));
  return {
    table,
    rows: { twitter: rows.twitter.length, google: rows.google.length, openmoji: rows.openmoji.length },
  };
}

const rowsOfHouse = (
  house: House,
  emoji: readonly Emoji[],
  pictures: ReadonlyMap<string, string>,
  folder: string,
): string[][] =>
  emoji.flatMap(({ sequence, base }) => {
    const picture = pictures.get(plainSequence(sequence));
    return picture ? [[relative(folder, picture).split(sep).join('/'), base, base, house]] : [];
  });

/** Pictures by their sequence. */
async function picturesIn(folder: string, extension: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(extension)).sort();
  return new Map(names.map((name) => [plainSequence(name.slice(0, -extension.length)), join(folder, name)]));
}

/** Draws the emoji of a folder of vectors, transparent where nothing is. Those that are there are taken as they are. */
async function rendered(
  vectors: string,
  folder: string,
  emoji: readonly Emoji[],
): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true });
  const wanted = new Set(emoji.map(({ sequence }) => plainSequence(sequence)));
  const drawings = [...(await picturesIn(vectors, '.svg'))].filter(([sequence]) => wanted.has(sequence));
  const there = await picturesIn(folder, '.png');
  const missing = drawings.filter(([sequence]) => !there.has(sequence));
  for (let at = 0; at < missing.length; at += renderedAtOnce)
    await Promise.all(
      missing.slice(at, at + renderedAtOnce).map(async ([sequence, path]) => {
        const picture = await sharp(path).resize(side, side).png().toBuffer();
        await writeWhole(join(folder, `${sequence}.png`), picture);
      }),
    );
  return picturesIn(folder, '.png');
}
