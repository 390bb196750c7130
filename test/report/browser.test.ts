import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../report/index.ts';
import { hasBrowser, launchBrowser } from '../browser.ts';
import { complete, stripes } from './complete.ts';

describe.skipIf(!hasBrowser)('the page in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contrail-page-'));
    await writeFile(join(folder, 'report.html'), renderReport(complete, await stripes()));
    url = pathToFileURL(join(folder, 'report.html')).href;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(request.url());
    });
    await page.goto(url);
    return page;
  }

  for (const width of [1280, 390])
    for (const scheme of ['light', 'dark'] as const)
      it(`fits ${width} pixels in ${scheme}, without a complaint`, async () => {
        const page = await open(width, scheme);
        const scrolled = 'document.documentElement.scrollWidth';
        expect(await page.evaluate(scrolled)).toBe(width);
        for (const plot of await page.locator('figure[data-plot] svg').all())
          if (await plot.isVisible()) expect((await plot.boundingBox())?.width).toBeGreaterThan(100);
        const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        expect(background).toBe(scheme === 'dark' ? 'rgb(16, 19, 22)' : 'rgb(246, 247, 248)');
        expect(await page.title()).toBe('Goods <two ways> – Contrail');
        expect(complaints).toEqual([]);
        await page.close();
      });

  it('shades the edge of a table where more of it is to the right', async () => {
    const page = await open(390, 'light');
    const results = page.locator('#results .scroll').first();
    const widths = await results.evaluate((box) => [box.scrollWidth, box.clientWidth] as const);
    expect(widths[0]).toBeGreaterThan(widths[1]);
    const shades = await page.evaluate(
      "getComputedStyle(document.querySelector('#results .scroll')).backgroundAttachment",
    );
    expect(shades).toBe('local, local, scroll, scroll');
    await page.close();
  });

  it('shows an image and its neighbours on a click, and on arrow keys and Enter', async () => {
    const page = await open(1280, 'light');
    const panel = page.locator('.map .panel').first();
    await page.locator('.stage.umap').first().locator('[data-point="9"]').click({ force: true });
    const rowText = () => panel.locator('dd').last().textContent();
    const clicked = await rowText();
    expect(await panel.locator('li button').count()).toBe(3);
    await page.locator('.choose-umap').first().focus();
    await page.keyboard.press('Tab');
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toContain('Map of test images');
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowUp', 'Enter']) await page.keyboard.press(key);
    expect(await rowText()).not.toBe(clicked);
    await panel.locator('li button').first().click();
    expect(await panel.locator('li button').count()).toBe(3);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('changes between the two maps without its script', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(url);
    await page.locator('label.for-pca').first().click();
    expect(await page.locator('.stage.pca').first().isVisible()).toBe(true);
    expect(await page.locator('.stage.umap').first().isVisible()).toBe(false);
    await context.close();
  });
});
