/**
 * Folders as people have them: every file is used, rejected with a reason, or a known dropping; or the folder is refused by
 * name. Each test has a folder of its own.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../datasets/index.ts';
import type { PreparationOptions } from '../../datasets/source.ts';
import { openStore } from '../../store/index.ts';

/** Holds the folders of a file's tests. */
export let root: string;
/** Of the test that runs: what it may write to, and in it the images. */
export let folder: string;
export let images: string;

/** Gives each test of the file that calls this a folder of its own. */
export function useImageFolders(): void {
  let number = 0;
  beforeAll(async () => {
    shade = 0;
    root = await mkdtemp(join(tmpdir(), 'contrail-folder-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));
  beforeEach(async () => {
    folder = join(root, String(number++));
    images = join(folder, 'images');
    await mkdir(images, { recursive: true });
  });
}

export const picture = (shade: number, width = 9, height = 8) =>
  sharp({ create: { width, height, channels: 3, background: { r: shade, g: 255 - shade, b: (7 * shade) % 256 } } });
export const png = (shade: number) => picture(shade).png().toBuffer();

/** Of the next picture: those of a file's tests differ, and are the same at each run. */
let shade = 0;
/** Writes files: `{ 'train/coat': 3 }` is three different PNGs, `{ 'a.txt': 'text' }` a file of text. */
export async function write(content: Readonly<Record<string, number | string | Buffer>>, into = images): Promise<void> {
  for (const [path, what] of Object.entries(content)) {
    const target = join(into, path);
    await mkdir(typeof what === 'number' ? target : dirname(target), { recursive: true });
    if (typeof what === 'number')
      for (let index = 0; index < what; index++)
        await writeFile(join(target, `${index}.png`), await png(shade++ % 256));
    else await writeFile(target, what);
  }
}

export const twoClasses = { 'train/coat': 3, 'train/shirt': 3 };

export async function prepare(
  params: object = {},
  options: Pick<PreparationOptions, 'onProgress' | 'shardBytes'> = {},
) {
  const list = join(folder, 'list.tsv');
  const store = openStore(join(folder, 'store'));
  const prepared = await prepareDataset(
    store,
    prepareDataParameters.parse({ dataset: 'image-folder', path: images, validation: 0, test: 0, ...params }),
    {
      cacheFolder: join(folder, 'cache'),
      keepList: async (lines) => {
        await writeFile(list, Buffer.concat([...lines]));
        return list;
      },
      ...options,
    },
  );
  return { ...prepared, store, list };
}

export const refusal = async (params: object = {}) => {
  const error = await prepare(params).then(
    () => new Error('it was accepted'),
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ code: 'InvalidDataset' });
  return error.message;
};

export const reasonsOf = async (params: object = {}) => {
  const { about } = await prepare(params);
  return Object.fromEntries(about.rejected.map(({ path, reason }) => [path.split('/').at(-1), reason]));
};
