/** The page of `contrail similar`, in a browser: light and dark, wide and on a phone, without a request or a complaint. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FoundLookAlike, similarPage } from '../../cli/similar-page.ts';
import { hasBrowser, launchBrowser } from '../browser.ts';
import { type Colour, stripes } from '../serving/pictures.ts';

describe.skipIf(!hasBrowser)('the page of look-alikes in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contrail-page-'));
    const webp = async (colour: Colour, number: number) =>
      sharp(await stripes(colour, number, 96))
        .webp()
        .toBuffer();
    const lookAlikes = (colour: Colour): Promise<FoundLookAlike[]> =>
      Promise.all(
        Array.from({ length: 10 }, async (_, at) => ({
          score: 0.99 - at / 40,
          name: at === 3 ? `${'a-very-long-name-without-an-end/'.repeat(9)}.png` : `${colour}/${at}.png`,
          label: at === 4 ? undefined : colour,
          picture: at === 5 ? null : await webp(colour, at),
        })),
      );
    const page = similarPage(
      { name: 'stripes-1/pretrain', version: 3 },
      { count: 10_000, recall: { k: 10, value: 0.97, queries: 100 } },
      [
        {
          ...{ name: 'red.jpg', unknown: false, because: 'it is near' },
          ...{ picture: await webp('red', 100), lookAlikes: await lookAlikes('red') },
        },
        {
          ...{ name: '</h2><script>alert(1)</script>\u202egnp.exe', unknown: true, because: 'the similarity is 0.2' },
          ...{ picture: await webp('blue', 100), lookAlikes: await lookAlikes('blue') },
        },
      ],
    );
    await writeFile(join(folder, 'page.html'), page);
    url = pathToFileURL(join(folder, 'page.html')).href;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const width of [1280, 360])
    for (const colorScheme of ['light', 'dark'] as const)
      it(`fits ${width} pixels in ${colorScheme}`, async () => {
        const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
        page.on('console', (message) => complaints.push(message.text()));
        page.on('pageerror', (error) => complaints.push(error.message));
        page.on('dialog', (dialog) => complaints.push(dialog.message()));
        page.on('request', (request) => {
          if (!/^(file|data):/.test(request.url())) complaints.push(request.url());
        });
        await page.goto(url);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        expect(await page.evaluate('[...document.images].every((image) => image.naturalWidth === 96)')).toBe(true);
        expect(await page.locator('img').count()).toBe(20);
        expect(await page.locator('h2').allTextContents()).toEqual([
          'red.jpg',
          '</h2><script>alert(1)</script>\\u202egnp.exe',
        ]);
        expect(await page.locator('.unknown').allTextContents()).toEqual(['Unknown: the similarity is 0.2.']);
        const kept = process.env.CONTRAIL_SCREENSHOTS;
        if (kept) await page.screenshot({ path: join(kept, `similar-${width}-${colorScheme}.png`), fullPage: true });
        await page.close();
        expect(complaints).toEqual([]);
      });
});
