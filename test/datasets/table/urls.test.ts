import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findImage, forgetImage } from '../../../datasets/index.ts';
import { fetchImage, fetchLimits } from '../../../datasets/table/fetch/fetch-image.ts';
import { openUrlCache } from '../../../datasets/table/fetch/url-cache.ts';
import { folder, png, prepare, useImageFolders } from '../image-folder.ts';
import { namesIn, prepareTable, reasonsIn, table, writePhotos, writeTable } from './table.ts';

useImageFolders();

let asked: string[] = [];
const answers: Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>> = {
  '/moved': (response) => response.writeHead(302, { location: '/a.png?token=secret' }).end(),
  '/loop': (response) => response.writeHead(301, { location: '/loop' }).end(),
  '/to-file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/gone': (response) => response.writeHead(404).end('no'),
  '/broken': (response) => response.writeHead(500).end(),
  '/cut': (response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('x'.repeat(10), () => response.destroy());
  },
  '/large': (response) => response.end('x'.repeat(2000)),
  '/slow': (response) => {
    response.writeHead(200);
    response.write('x');
  },
  '/flaky': (response) => response.writeHead(asked.filter((url) => url === '/flaky').length < 2 ? 503 : 200).end('ok'),
  '/text': (response) => response.end('<html>'),
};
const server = createServer(async (request, response) => {
  const url = request.url ?? '';
  asked.push(url);
  const answer = answers[url.split('?')[0] ?? ''];
  if (answer) answer(response, request);
  else response.end(await png(url.length));
});
let origin: string;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

describe('images that are URLs', () => {
  it('are fetched once, and not again by the next preparation', async () => {
    const rows = [...(await writePhotos()), [`${origin}/a.png?token=secret`, 'coat'], [`${origin}/moved`, 'shirt']];
    await writeTable(rows);
    const first = await prepareTable({ allowUrls: true });
    expect((await namesIn(first)).train).toEqual([
      ...rows.slice(0, 4).map(([image]) => image),
      `${origin}/a.png?(1 of 1)`,
      `${origin}/moved`,
      ...rows.slice(4, 8).map(([image]) => image),
    ]);
    expect(asked.sort()).toEqual(['/a.png?token=secret', '/a.png?token=secret', '/moved']);
    asked = [];
    expect((await prepareTable({ allowUrls: true })).ref).toEqual(first.ref);
    expect(asked).toEqual([]);
    expect(JSON.stringify(first.about) + (await readFile(first.list, 'utf8'))).not.toContain('secret');
  });

  it('that differ in their query alone are numbered by it, whatever the order of the rows, and nothing tells the query', async () => {
    const photos = await writePhotos();
    const urls = ['?id=30', '', '?id=7', '?id=111'].map((query) => [`${origin}/photo${query}`, 'coat']);
    await writeTable([...photos, ...urls]);
    const first = await prepareTable({ allowUrls: true });
    const names = ['', '?(1 of 3)', '?(2 of 3)', '?(3 of 3)'].map((number) => `${origin}/photo${number}`);
    expect((await namesIn(first)).train?.filter((name) => name.startsWith('http'))).toEqual(names);
    await writeTable([...urls.toReversed(), ...photos]);
    expect((await prepareTable({ allowUrls: true })).ref).toEqual(first.ref);
    const kept = JSON.stringify(await namesIn(first)) + (await readFile(first.list, 'utf8'));
    for (const query of ['?id=30', '?id=7', '?id=111'])
      expect(kept).not.toContain(createHash('sha256').update(query).digest('hex').slice(0, 8));
  });

  it('are corrected by their name or their URL, and a name that may mean another image by now is refused', async () => {
    const photos = await writePhotos();
    const relabels = join(folder, 'relabels.csv');
    const corrected = async (name: string) => {
      await writeFile(relabels, `image,label\n${name},shirt\n`);
      return prepareTable({ allowUrls: true, relabels });
    };
    const urls = ['?id=1', '?id=3'].map((query) => [`${origin}/photo${query}`, 'coat']);
    await writeTable([...photos, ...urls]);
    const byName = await corrected(`${origin}/photo?(2 of 2)`);
    expect(byName.summary.relabels).toMatchObject({ changed: 1 });
    expect((await corrected(`${origin}/photo?id=3`)).ref).toEqual(byName.ref);
    const notThere = /names an image that is not in the data set/;
    await expect(corrected(`${origin}/photo?id=2`)).rejects.toThrow(notThere);
    await writeTable([...photos, ...urls, [`${origin}/photo?id=22`, 'coat']]);
    await expect(corrected(`${origin}/photo?(2 of 2)`)).rejects.toThrow(notThere);
  });

  it('are fetched again where the kept file is damaged', async () => {
    await writeTable([...(await writePhotos()), [`${origin}/a.png`, 'coat']]);
    const first = await prepareTable({ allowUrls: true });
    const urls = join(folder, 'cache/urls');
    const [shard = ''] = await readdir(urls);
    const [name = ''] = await readdir(join(urls, shard));
    await writeFile(join(urls, shard, name), 'damaged');
    expect((await prepareTable({ allowUrls: true })).ref).toEqual(first.ref);
    expect(asked).toEqual(['/a.png', '/a.png']);
  });

  it('are not asked for unless that is allowed, nor with passwords', async () => {
    const withPassword = `${origin.replace('//', '//user:password@')}/a.png`;
    await writeTable([...(await writePhotos()), [`${origin}/a.png`, 'coat'], [withPassword, 'coat']]);
    expect(Object.values(reasonsIn(await prepareTable()))).toEqual(['is a URL, and `allowUrls` is not set']);
    const { about } = await prepareTable({ allowUrls: true });
    expect(about.rejected).toEqual([
      { path: `${origin}/a.png`, reason: 'is a URL with a user name or a password, which are not sent' },
    ]);
    expect(JSON.stringify(about)).not.toContain('password@');
  });

  it('that can never be had are rejected, and what is no image too', async () => {
    await writeTable([...(await writePhotos()), [`${origin}/gone?x=secret`, 'coat'], [`${origin}/text`, 'coat']]);
    expect(Object.values(reasonsIn(await prepareTable({ allowUrls: true })))).toEqual([
      'could not be fetched: the server answered 404',
      expect.stringMatching(/^is a web page/),
    ]);
  });

  it('that may be had another time fail the attempt, unless so many may be missing', async () => {
    await writeTable([...(await writePhotos()), [`${origin}/broken?x=secret`, 'coat']]);
    const error: Error = await prepare(table({ allowUrls: true, maximumRejected: 0 })).then(
      () => new Error('it was prepared'),
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ code: 'ConnectionFailed' });
    expect(error.message).toMatch(
      /^One image could not be fetched now, first products\.csv:10 http:.*\/broken\?\(1 of 1\): could not be fetched: the server answered 500/,
    );
    expect(error.message).not.toContain('secret');
    expect(asked).toHaveLength(3);
    expect((await prepareTable({ allowUrls: true, maximumRejected: 1 })).about.rejected).toHaveLength(1);
  }, 30_000);
});

it('what is to be forgotten is fetched, since its bytes must be seen, and kept nowhere', async () => {
  const rows = [...(await writePhotos()), [`${origin}/a.png`, 'coat']];
  await writeTable(rows);
  const { store } = await prepareTable({ allowUrls: true });
  const url = createHash('sha256')
    .update(await png('/a.png'.length))
    .digest('hex');
  const quiet = { image: url, by: 'somebody', requireQuiet: async () => {}, cacheFolder: join(folder, 'cache') };
  await forgetImage(store, await findImage(store, [url]), quiet);
  const again = await prepareTable({ allowUrls: true });
  expect(Object.values(reasonsIn(again))).toEqual([expect.stringMatching(/^was forgotten on /)]);
  const kept = await readdir(join(folder, 'cache/urls'), { recursive: true });
  expect(kept.filter((name) => name.endsWith(url))).toEqual([]);
});

describe('fetching', () => {
  const limits = { ...fetchLimits, bytes: 1500, milliseconds: 3000, redirects: 3, waits: [1] };
  const outcomeOf = (path: string, options: Partial<typeof limits> = {}, signal?: AbortSignal) =>
    fetchImage(`${origin}${path}`, openUrlCache(join(folder, 'urls')), { limits: { ...limits, ...options }, signal });

  it.each([
    ['/gone', 'could not be fetched: the server answered 404', false, 1],
    ['/broken', 'could not be fetched: the server answered 500', true, 2],
    ['/cut', expect.stringMatching(/^could not be fetched: (the connection broke|it was cut off)$/), true, 2],
    ['/large', 'has more than 1.5 KiB, which are not fetched', false, 1],
    ['/loop', 'was redirected more than 3 times', false, 4],
    ['/to-file', 'was redirected from http: to file:, which is not followed', false, 1],
  ])('%s: %s', async (path, reason, passing, times) => {
    expect(await outcomeOf(path)).toEqual({ reason, passing });
    expect(asked).toEqual(Array(times).fill(path));
    await expect(readdir(join(folder, 'urls'), { recursive: true })).resolves.toHaveLength(1);
  });

  it('tries again what may pass', async () => {
    expect(await outcomeOf('/flaky')).toMatchObject({ bytes: 2 });
    expect(asked).toEqual(['/flaky', '/flaky']);
  });

  it('waits for a slow server only so long', async () => {
    expect(await outcomeOf('/slow', { milliseconds: 200, waits: [] })).toEqual({
      reason: 'could not be fetched within 0.2 s',
      passing: true,
    });
  });

  it('says that a server is not there', async () => {
    const closed = createServer();
    await new Promise<void>((listening) => closed.listen(0, '127.0.0.1', listening));
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    const cache = openUrlCache(join(folder, 'urls'));
    expect(await fetchImage(`http://127.0.0.1:${port}/a.png?secret`, cache, { limits })).toEqual({
      reason: 'could not be fetched: the server takes no connection',
      passing: true,
    });
  });

  it('ends with its signal, and keeps nothing of what was half fetched', async () => {
    const ending = new AbortController();
    const fetching = outcomeOf('/slow', {}, ending.signal);
    while (asked.length === 0) await wait(5);
    ending.abort(new Error('cancelled'));
    await expect(fetching).rejects.toThrow('cancelled');
    expect(await readdir(join(folder, 'urls'), { recursive: true })).toHaveLength(1);
    await rm(join(folder, 'urls'), { recursive: true });
  });
});
