import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { baseOf } from '../../examples/emoji/base.ts';
import { readEmojiList } from '../../examples/emoji/emoji-list.ts';
import pixels from '../../examples/emoji/steps/pixels.ts';
import { makeTable } from '../../examples/emoji/table.ts';
import { artifactFolder, openStore } from '../../store/index.ts';
import { runStep } from './run-step.ts';

/** Three emoji of three houses, drawn here: a grin, a runner (two genders, five skin tones) and a skin tone by itself. */
const emoji = [
  { unified: '1F600', short_name: 'grinning', category: 'Smileys & Emotion' },
  {
    unified: '1F3C3-200D-2640-FE0F',
    short_name: 'woman-running',
    category: 'People & Body',
    skin_variations: Object.fromEntries(
      ['1F3FB', '1F3FC', '1F3FD', '1F3FE', '1F3FF'].map((tone) => [tone, { unified: `1F3C3-${tone}-200D-2640-FE0F` }]),
    ),
  },
  { unified: '1F3C3', short_name: 'runner', category: 'People & Body' },
  { unified: '1F3FB', short_name: 'skin-tone-2', category: 'Component' },
];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-examples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the base of an emoji', () => {
  it.each([
    ['1F600', '1F600'],
    ['2764-FE0F', '2764'],
    ['1F3C3-1F3FB-200D-2640-FE0F-200D-27A1-FE0F', '1F3C3'],
    ['1F469-1F3FF-200D-1F680', '1F9D1-200D-1F680'],
    ['1F468-200D-1F469-200D-1F467', '1F9D1-200D-1F9D1-200D-1F9D2'],
    ['1F478', '1FAC5'],
    // A sign by itself, and a flag with one, are emoji of their own.
    ['2640-FE0F', '2640'],
    ['1F3F4-200D-2620-FE0F', '1F3F4-200D-2620'],
  ])('of %s is %s', (sequence, base) => {
    expect(baseOf(sequence)).toBe(base);
  });
});

describe('the list of emoji', () => {
  it('has genders of one under one name, the lightest and the darkest skin tone, and no tone by itself', () => {
    expect(readEmojiList(JSON.stringify(emoji))).toEqual([
      { sequence: '1F600', base: 'grinning' },
      { sequence: '1F3C3-200D-2640-FE0F', base: 'runner' },
      { sequence: '1F3C3-1F3FB-200D-2640-FE0F', base: 'runner' },
      { sequence: '1F3C3-1F3FF-200D-2640-FE0F', base: 'runner' },
      { sequence: '1F3C3', base: 'runner' },
    ]);
  });

  it.each(['[]', '{}', '[{"unified": "../x", "short_name": "x", "category": "x"}]'])('refuses %s', (text) => {
    expect(() => readEmojiList(text)).toThrow();
  });
});

describe('the table of emoji', () => {
  const file = (sequence: string) => `${sequence.toLowerCase()}.png`;
  const picture = (colour: string) =>
    sharp({ create: { width: 64, height: 64, channels: 3, background: colour } })
      .png()
      .toBuffer();

  async function drawnSources() {
    const sources = { twitter: join(folder, 'a'), google: join(folder, 'b'), openmoji: join(folder, 'c') };
    for (const path of ['a/img/twitter/64', 'b/img/google/64', 'c/color/svg'])
      await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(sources.twitter, 'emoji.json'), JSON.stringify(emoji));
    await writeFile(join(sources.twitter, 'img/twitter/64', file('1F600')), await picture('#ff0000'));
    await writeFile(join(sources.twitter, 'img/twitter/64', file('1F3C3')), await picture('#0000ff'));
    await writeFile(join(sources.google, 'img/google/64', file('1F600')), await picture('#fe0000'));
    await writeFile(join(sources.google, 'img/google/64', file('1F3C3')), await picture('#ff1100'));
    await writeFile(join(sources.google, 'img/google/64', 'unknown.png'), await picture('#ffffff'));
    const svg = (colour: string) =>
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><rect width="72" height="72" fill="${colour}"/></svg>`;
    await writeFile(join(sources.openmoji, 'color/svg/1F600.svg'), svg('#dd2222'));
    await writeFile(join(sources.openmoji, 'color/svg/1F3C3-200D-2640-FE0F.svg'), svg('#1111ee'));
    await writeFile(join(sources.openmoji, 'color/svg/E000.svg'), 'not a drawing, and not wanted');
    return sources;
  }

  it('has a row for each picture of each house, with vectors drawn at 64 pixels', async () => {
    const { table, rows } = await makeTable(await drawnSources(), folder);
    expect(rows).toEqual({ twitter: 2, google: 2, openmoji: 2 });
    expect(await readFile(table, 'utf8')).toBe(
      [
        'image,label,group,category',
        'a/img/twitter/64/1f600.png,grinning,grinning,twitter',
        'a/img/twitter/64/1f3c3.png,runner,runner,twitter',
        'b/img/google/64/1f600.png,grinning,grinning,google',
        'b/img/google/64/1f3c3.png,runner,runner,google',
        'openmoji/1F600.png,grinning,grinning,openmoji',
        'openmoji/1F3C3-200D-2640.png,runner,runner,openmoji',
        '',
      ].join('\n'),
    );
    expect(await sharp(join(folder, 'openmoji/1F600.png')).metadata()).toMatchObject({ width: 64, height: 64 });
  });

  it('is refused where a house has no picture of any emoji', async () => {
    const sources = await drawnSources();
    await mkdir(join(folder, 'none/img/google/64'), { recursive: true });
    await expect(makeTable({ ...sources, google: join(folder, 'none') }, folder)).rejects.toThrow(
      'None of 5 emoji has a picture of google.',
    );
  });

  it('is prepared, and searched by pixels across houses', async () => {
    const { table } = await makeTable(await drawnSources(), folder);
    const home = await mkdtemp(join(folder, 'store-'));
    const { ref } = await prepareDataset(
      openStore(pathToFileURL(home).href),
      prepareDataParameters.parse({ dataset: 'table', path: table, size: 64, validation: 0, test: 0 }),
      { cacheFolder: home },
    );
    const search = (query: string, gallery: string) =>
      runStep(pixels, {
        parameters: { query: { split: 'train', category: query }, gallery: { split: 'train', category: gallery } },
        inputs: { dataset: join(home, artifactFolder(ref)) },
      });
    expect(await search('openmoji', 'twitter')).toEqual({ queries: 2, recallAt1: 1 });
    // Google's runner is red here, as its grin is: the blue runner finds neither near, and takes the wrong one.
    expect(await search('twitter', 'google')).toEqual({ queries: 2, recallAt1: 0.5 });
    await expect(search('nobody', 'google')).rejects.toThrow('no query has an image of its class in the gallery');
  });
});
