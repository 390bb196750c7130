/** A preparation that is killed goes on where it was, and one of a set that has changed makes only what is new. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openStore, preparationsFolder } from '../../store/index.ts';
import { folder, images, picture, prepare, useImageFolders, write } from './image-folder.ts';

useImageFolders();

const program = fileURLToPath(new URL('./processes/preparing.ts', import.meta.url));

/** 60 pictures in three classes, every third of them grey. */
async function manyImages() {
  for (let index = 0; index < 60; index++) {
    const image = picture(4 * index, 70 + index, 60);
    const file = index % 3 === 0 ? image.toColourspace('b-w') : image;
    await write({ [`train/${'abc'[index % 3]}/${index}.png`]: await file.png().toBuffer() });
  }
}

const pieces = async () => {
  const left = await openStore(join(folder, 'store')).list(preparationsFolder);
  return left.filter(({ path }) => path.includes('/pieces/'));
};

describe.each([
  ['pixels', { size: 24 }, 6 * 24 * 24 * 3],
  ['files', { size: 80 }, 12_000],
])('images kept as %s', (_, form, pieceBytes) => {
  const params = { validation: 0.2, test: 0.2, seed: 3, ...form };

  it('a preparation that is killed goes on with the pieces that it wrote, to the same digest', async () => {
    await manyImages();
    const given = JSON.stringify({ dataset: 'image-folder', path: images, ...params });
    const child = spawn(process.execPath, ['--import', 'tsx', program, folder, given, String(pieceBytes)], {
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    while ((await pieces()).length < 3 && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect((await pieces()).length).toBeGreaterThanOrEqual(3);

    const resumed = await prepare(params);
    expect(resumed.reused).toBeGreaterThanOrEqual(15);
    expect(resumed.reused).toBeLessThan(60);
    expect(await pieces()).toEqual([]);
    await rm(join(folder, 'store'), { recursive: true });
    const undisturbed = await prepare(params);
    expect([undisturbed.reused, undisturbed.ref]).toEqual([0, resumed.ref]);
  });

  it('a set that has grown makes only what is new, and is what it would have been', async () => {
    await manyImages();
    await prepare(params);
    await rm(join(images, 'train/a/0.png'));
    await write({ 'train/b/new.png': await picture(77, 50, 60).png().toBuffer() });
    const grown = await prepare(params);
    expect(grown.reused).toBe(59);
    await rm(join(folder, 'store'), { recursive: true });
    expect((await prepare(params)).ref).toEqual(grown.ref);
  });

  it('nothing is taken over from another form, nor what was damaged since', async () => {
    await manyImages();
    const { store, about, ref } = await prepare(params);
    expect((await prepare({ ...params, fit: 'resize' })).reused).toBe(0);
    const [shard] = about.splits.train.shards;
    await writeFile(store.locate(`artifacts/dataset/${ref.digest}/${shard?.file}`), 'damaged');
    const again = await prepare(params);
    expect(again.ref).toEqual(ref);
    expect(again.reused).toBeLessThan(60);
  });
});

it('a record of an earlier set that was damaged is passed over', async () => {
  await manyImages();
  const params = { size: 16, validation: 0, test: 0 };
  const { store, ref } = await prepare(params);
  const [record] = (await store.list(preparationsFolder)).filter(({ path }) => path.includes('/sets/'));
  await writeFile(store.locate(record?.path ?? ''), '{ cut off');
  const again = await prepare(params);
  expect([again.reused, again.ref]).toEqual([0, ref]);
});

it('a set that is all grey again, after one picture in colour went, is grey', async () => {
  for (let index = 0; index < 6; index++)
    await write({
      [`train/${'ab'[index % 2]}/${index}.png`]: await picture(40 * index)
        .toColourspace('b-w')
        .png()
        .toBuffer(),
    });
  await write({ 'train/b/colour.png': await picture(9).png().toBuffer() });
  expect((await prepare()).about.image.channels).toBe(3);
  await rm(join(images, 'train/b/colour.png'));
  const grey = await prepare();
  expect([grey.reused, grey.about.image.channels]).toEqual([6, 1]);
});
