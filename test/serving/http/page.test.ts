import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictAnswerSchema } from '../../../contracts/serving.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { type Serving, serveModel } from '../../../serving/http/index.ts';
import { hasBrowser, launchBrowser } from '../../browser.ts';
import { type ModelStore, modelStore } from './model-store.ts';

/** Where pictures of the page are left to be looked at; nowhere as a rule. */
const pictures = process.env.CONTRAIL_PAGE_PICTURES;

const token = 'a-token-that-nobody-guesses';

describe.skipIf(!hasBrowser)('the page on which a model is tried', () => {
  let models: ModelStore;
  let open: Serving;
  let closed: Serving;
  let browser: Browser;
  let photo = '';
  const complaints: string[] = [];

  beforeAll(async () => {
    models = await modelStore();
    await models.promote(await models.train(1));
    const start = (secret: string | null) =>
      serveModel({
        ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
        ...{ host: '127.0.0.1', port: 0, token: secret, tls: null, allowedHosts: [] },
        ...{ environment: trainerEnvironment(), limits: { timeoutMs: 60_000 }, log: () => {} },
      });
    [open, closed] = [await start(null), await start(token)];
    photo = join(models.storeUrl, 'photo.png');
    await writeFile(photo, models.photos[0] as Buffer);
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([open?.close(), closed?.close()]);
  });

  async function visit(serving: Serving, { width = 1280, dark = false } = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light' });
    const own = `http://127.0.0.1:${serving.port}`;
    page.on('console', (message) => {
      if (!message.text().includes('401 (Unauthorized)')) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== own && !['blob:', 'data:'].includes(protocol)) complaints.push(request.url());
    });
    await page.goto(own);
    return page;
  }
  const text = (page: Page, selector: string) => page.locator(selector).first().textContent();
  const answered = (page: Page) => page.locator('#result:not([hidden]) #neighbours img').first().waitFor();

  for (const width of [1280, 390])
    for (const dark of [false, true])
      it(`shows class, reason and look-alikes of a chosen photo at ${width} pixels, ${dark ? 'dark' : 'light'}`, async () => {
        const page = await visit(open, { width, dark });
        await page.locator('#try').waitFor();
        expect(await text(page, '#model')).toBe('gratings');
        expect(await text(page, '#about')).toBe('version 1 · 3 classes · look-alikes among 100 images');
        await page.locator('#file').setInputFiles(photo);
        await answered(page);
        expect(await text(page, '#answer')).toMatch(/^class-\d, \d+\.\d %$/);
        expect(await text(page, '#because')).toMatch(/^It counts as known: .* not below the threshold/);
        expect(await page.locator('#guesses li').count()).toBe(3);
        expect(await page.locator('#neighbours li').count()).toBe(12);
        expect(await text(page, '#neighbours li')).toMatch(/class-\dtrain\/\d+\.pngsimilarity [01]\.\d{3}/);
        expect(await text(page, '#by')).toMatch(
          /^Model gratings, version 1 · encoder [0-9a-f]{12} · index [0-9a-f]{12}$/,
        );
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        expect(background).toBe(dark ? 'rgb(16, 19, 22)' : 'rgb(246, 247, 248)');
        expect(complaints).toEqual([]);
        if (pictures)
          await page.screenshot({
            path: join(pictures, `page-${width}-${dark ? 'dark' : 'light'}.png`),
            fullPage: true,
          });
        await page.close();
      });

  it('names the class of a product that the classifier was not trained on', async () => {
    const page = await visit(open);
    const said = { unknown: true, alike: 'hat', because: 'the most similar known image is of hat' };
    await page.route('**/v1/predict*', async (route) => {
      const response = await route.fetch();
      const { results, ...by } = predictAnswerSchema.parse(await response.json());
      await route.fulfill({ response, json: { ...by, results: results.map((each) => ({ ...each, ...said })) } });
    });
    await page.locator('#try').waitFor();
    await page.locator('#file').setInputFiles(photo);
    await answered(page);
    expect(await text(page, '#answer')).toBe('Unknown, perhaps hat');
    expect(await text(page, '#because')).toMatch(/^It counts as unknown: .* is of hat\. .* be class-\d\.$/);
    await page.close();
  });

  it('takes a photo that is dropped or pasted', async () => {
    const page = await visit(open);
    await page.locator('#try').waitFor();
    const give = (kind: 'drop' | 'paste') =>
      page.evaluate(
        `(() => {
          const bytes = Uint8Array.from(atob('${(models.photos[1] as Buffer).toString('base64')}'), (c) => c.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], 'photo.png', { type: 'image/png' }));
          const how = { bubbles: true, cancelable: true };
          document.body.dispatchEvent('${kind}' === 'drop'
            ? new DragEvent('drop', { ...how, dataTransfer: data })
            : new ClipboardEvent('paste', { ...how, clipboardData: data }));
        })()`,
      );
    for (const kind of ['drop', 'paste'] as const) {
      await page.evaluate("document.getElementById('result').hidden = true");
      await give(kind);
      await answered(page);
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('says why a file cannot be used, and takes the next', async () => {
    const page = await visit(open);
    await page.locator('#try').waitFor();
    const wrong = join(models.storeUrl, 'wrong.png');
    await writeFile(wrong, 'Hello');
    await page.locator('#file').setInputFiles(wrong);
    await page.locator('#status.failed').waitFor();
    expect(await text(page, '#status')).toContain('The image is text, not an image.');
    if (pictures) await page.screenshot({ path: join(pictures, 'page-refused.png'), fullPage: true });
    await page.locator('#file').setInputFiles(photo);
    await answered(page);
    expect(complaints.splice(0)).toEqual([expect.stringContaining('415')]);
    // The answer to the photo before is not taken for one to this.
    const large = join(models.storeUrl, 'large.png');
    await writeFile(large, Buffer.alloc(21 * 2 ** 20));
    await page.locator('#file').setInputFiles(large);
    await page.locator('#status.failed').waitFor();
    expect(await text(page, '#status')).toContain('at most 20 MiB');
    expect(await page.locator('#result').isVisible()).toBe(false);
    await page.close();
  });

  it('says what is served once another version has answered', async () => {
    const page = await visit(open);
    await page.locator('#try').waitFor();
    expect(await text(page, '#about')).toContain('version 1');
    await models.promote(await models.train(2));
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${open.port}/readyz`)).json(), { timeout: 30_000 })
      .toMatchObject({ version: 2 });
    await page.locator('#file').setInputFiles(photo);
    await answered(page);
    await expect.poll(() => text(page, '#about')).toContain('version 2');
    await page.close();
  });

  it('can be used with the keyboard, and says to screen readers what is there', async () => {
    const page = await visit(open);
    await page.locator('#try').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('file');
    expect(await page.evaluate("getComputedStyle(document.querySelector('label[for=file]')).outlineStyle")).toBe(
      'solid',
    );
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('camera');
    expect(await page.locator('#camera').getAttribute('capture')).toBe('environment');
    await page.locator('#file').setInputFiles(photo);
    await answered(page);
    expect(await page.evaluate('document.activeElement.id')).toBe('result');
    for (const role of ['status', 'img'] as const) expect(await page.getByRole(role).count()).toBeGreaterThan(0);
    expect(await page.getByLabel('Choose a photo').count()).toBe(1);
    await page.close();
  });

  it('asks for the token where one is needed, keeps it in its tab, and sends no photo without', async () => {
    // It follows by itself what was promoted above; with the version before go the pictures of its answers.
    const headers = { authorization: `Bearer ${token}` };
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${closed.port}/readyz`, { headers })).json(), {
        timeout: 30_000,
      })
      .toMatchObject({ version: 2 });
    const page = await visit(closed, { width: 390 });
    const field = page.getByLabel(/This server needs a token/);
    await field.waitFor();
    expect(await page.locator('#try').isVisible()).toBe(false);
    await field.fill('a-wrong-token-of-somebody');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not take this token.').waitFor();
    if (pictures) await page.screenshot({ path: join(pictures, 'page-token.png'), fullPage: true });
    await field.fill(token);
    await page.keyboard.press('Enter');
    await page.locator('#try').waitFor();
    await page.locator('#file').setInputFiles(photo);
    await answered(page);
    expect(await page.evaluate('localStorage.length')).toBe(0);
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.reload();
    await page.locator('#try').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });
});
