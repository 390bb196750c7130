import { createHash } from 'node:crypto';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { findImage, forgetImage } from '../../datasets/index.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { buildReport, writeReport } from '../../report/index.ts';
import {
  artifactFolder,
  digestOf,
  loadRejectedPictures,
  openStore,
  reportFolder,
  type Store,
} from '../../store/index.ts';
import { folder, images, twoClasses, useImageFolders, write } from '../datasets/image-folder.ts';
import { preparedStep } from '../datasets/prepared-step.ts';

useImageFolders();

/** What a report shows of prepared data, from a real folder to the page. */
const plan = parsePipeline({
  file: 'p.yaml',
  text: 'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: image-folder, path: photos } }\n',
});

/** Prepares the folder as the step of a run does. */
async function prepared(params: object = {}) {
  const store = openStore(join(folder, 'store'));
  return { store, ...(await preparedStep(store, { run: 'first', plan, params })) };
}

/** Bytes that no compression makes smaller. */
const noise = (bytes: number) =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes / 32) }, (_, at) => createHash('sha256').update(String(at)).digest()),
  ).subarray(0, bytes);
const photo = (width = 64, height = 48) => sharp(noise(3 * width * height), { raw: { width, height, channels: 3 } });

const pageOf = async (store: Store) => {
  const { report, files } = await buildReport(store, 'first');
  return { report, files, html: new TextDecoder().decode(files.get('report.html')) };
};

describe('the data of a report', () => {
  it('shows some training images of each class, spread over it', async () => {
    await write({ 'train/coat': 20, 'train/shirt': 3 });
    const { store, ref } = await prepared();
    const { report, html } = await pageOf(store);
    expect(report.data[0]).toMatchObject({
      dataset: ref.digest,
      examples: [
        { class: 'coat', rows: [0, 2, 5, 7, 10, 12, 15, 17] },
        { class: 'shirt', rows: [20, 21, 22] },
      ],
    });
    expect(html.match(/aria-label="coat, training image \d+"/g)).toHaveLength(8);
    expect(html).toMatch(/--sheet-0:url\("data:image\/png;base64,/);
  });

  it('is bounded: the first 20 classes of many, and images as small as they are shown', async () => {
    for (let at = 0; at < 23; at++) await write({ [`train/class-${String(at).padStart(2, '0')}`]: 1 });
    const { store } = await prepared({ size: 128 });
    const { report, html } = await pageOf(store);
    expect(report.data[0]?.examples).toHaveLength(20);
    expect(html).toContain('of 20 of 23 classes');
    const sheet = /--sheet-0:url\("data:image\/\w+;base64,([^"]+)"\)/.exec(html)?.[1] ?? '';
    expect(await sharp(Buffer.from(sheet, 'base64')).metadata()).toMatchObject({ width: 20 * 96, height: 96 });
  });

  it('shows of rejected files what can still be decoded, and nothing from outside of the folder', async () => {
    const whole = await photo().jpeg().toBuffer();
    await writeFile(join(folder, 'outside.jpg'), whole);
    await write({
      ...twoClasses,
      'train/coat/cut.jpg': whole.subarray(0, whole.length / 2),
      'train/coat/tiny.png': await photo(4, 4).png().toBuffer(),
      'train/stray.png': await photo(20, 20).png().toBuffer(),
      'train/coat/page.png': '<!doctype html>',
      'train/coat/header.jpg': whole.subarray(0, 20),
      'train/coat/blank.png': (await photo().png().toBuffer()).subarray(0, 4000),
    });
    await symlink(join(folder, 'outside.jpg'), join(images, 'train/coat/link.jpg'));
    const { store } = await prepared();
    const { report, html } = await pageOf(store);
    const shown = report.data[0]?.rejected.flatMap(({ path, picture }) => (picture ? [path] : [])).sort();
    expect(report.data[0]?.rejected).toHaveLength(7);
    expect(shown).toEqual(['train/coat/cut.jpg', 'train/coat/tiny.png', 'train/stray.png']);
    expect(html.match(/style="background-image:url\(data:image\/webp;base64,/g)).toHaveLength(3);
    const cut = report.data[0]?.rejected.find(({ path }) => path.endsWith('cut.jpg'))?.picture ?? '';
    const { data, info } = await sharp(Buffer.from(cut, 'base64')).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([64, 48]);
    expect(new Set(data.subarray(0, 3000)).size).toBeGreaterThan(20);
  });

  it('keeps 24 pictures of rejected files at most', async () => {
    await write(twoClasses);
    const whole = await photo().jpeg().toBuffer();
    for (let at = 0; at < 30; at++)
      await write({ [`train/coat/cut-${at}.jpg`]: whole.subarray(0, whole.length - 40 - at) });
    const { store, list } = await prepared({ maximumRejected: 100 });
    expect(await loadRejectedPictures(store, list)).toHaveLength(24);
  });

  it('forgets the picture of a rejected file as well, and the page that shows it', async () => {
    const tiny = await photo(4, 4).png().toBuffer();
    await write({
      ...twoClasses,
      'train/coat/tiny.png': tiny,
      'train/stray.png': await photo(20, 20).png().toBuffer(),
    });
    const { store, list } = await prepared();
    const { files } = await pageOf(store);
    await writeReport(store, 'first', files);
    const [first] = await loadRejectedPictures(store, list);
    expect(first?.path).toBe('train/stray.png');
    const found = await findImage(store, [digestOf(tiny).sha256]);
    await forgetImage(store, found, { image: 'tiny', by: 'me', requireQuiet: async () => {}, cacheFolder: folder });
    expect((await loadRejectedPictures(store, list)).map(({ path }) => path)).toEqual(['train/stray.png']);
    expect((await store.list(reportFolder('first'))).map(({ path }) => path.split('/').at(-1))).toEqual([
      'data-files.tsv',
      'data-rejected.json',
    ]);
    const again = await prepared();
    expect((await loadRejectedPictures(again.store, list)).map(({ path }) => path)).toEqual(['train/stray.png']);
  });

  it('is a report also where the images are gone: it says so, and shows the rest', async () => {
    await write(twoClasses);
    const { store, ref } = await prepared();
    await store.remove(`${artifactFolder(ref)}/train-00000.safetensors`);
    const { report, html } = await pageOf(store);
    expect(report.problems).toEqual([expect.stringContaining('train-00000.safetensors is damaged')]);
    expect(report.data[0]).toMatchObject({ counts: { train: 6 } });
    expect(html).not.toContain('Some training images');
  });
});
