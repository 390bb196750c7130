import { randomUUID } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, openStore, type Store } from '../../store/index.ts';
import { parseS3Url } from '../../store/s3/address.ts';
import { connectS3, type S3Connection } from '../../store/s3/connection.ts';
import { abortStaleUploads, listFolderNames, listObjects } from '../../store/s3/listing.ts';
import { startS3BehindNetwork } from '../s3/behind-network.ts';
import { s3ServerKind } from '../s3/environment.ts';
import type { BadNetwork, Fault, PassingRequest } from '../s3/proxy.ts';
import { bucket, type S3Server, whyNoS3Server } from '../s3/server.ts';

const missing = await whyNoS3Server();
const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (content: Uint8Array) => new TextDecoder().decode(content);
const large = Buffer.alloc(34 * 2 ** 20, 'contrail ');

/** An S3 server behind a network that loses, breaks and delays. */
describe.skipIf(missing)(
  `a store on an S3 server behind a bad network${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let server: S3Server;
    let proxy: BadNetwork;
    let stop: (() => Promise<void>) | undefined;
    let name = '';
    let store: Store;
    let at: S3Connection;

    beforeAll(async () => {
      ({ server, network: proxy, stop } = await startS3BehindNetwork());
    });
    afterAll(() => stop?.());
    beforeEach(async () => {
      proxy.decide = () => null;
      name = randomUUID();
      store = openStore(server.storeUrl(name));
      at = await connectS3(parseS3Url(server.storeUrl(name)))();
    });

    /** Does the fault to the first requests that match, and lets the others pass. */
    const first = (times: number, fault: Fault, matches: (request: PassingRequest) => boolean) => {
      let left = times;
      proxy.decide = (request) => (left > 0 && matches(request) && left-- > 0 ? fault : null);
    };
    const isPut =
      (path: string) =>
      ({ method, url }: PassingRequest) =>
        method === 'PUT' && url.includes(`${name}/${path}`);
    const isGet =
      (path: string) =>
      ({ method, url }: PassingRequest) =>
        method === 'GET' && url.includes(`${name}/${path}`);
    const unfinishedUploads = async () =>
      (await at.client.send(new at.sdk.ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];

    it('knows its own exclusive write where the answer to it was lost, and that of another', async () => {
      first(1, 'lost-answer', isPut('lock'));
      expect(await store.writeExclusive('lock', bytes('mine'))).toBe(true);
      expect(textOf(await store.read('lock'))).toBe('mine');
      expect(await store.writeExclusive('lock', bytes('yours'))).toBe(false);
      first(1, 'lost-answer', isPut('lock'));
      expect(await store.writeExclusive('lock', bytes('yours'))).toBe(false);
      expect(textOf(await store.read('lock'))).toBe('mine');
    });

    it('knows it also where every answer was lost, to it and to what was sent again', async () => {
      await store.writeExclusive('other', bytes('x'));
      proxy.decide = (request) => (isPut('lock')(request) ? 'lost-answer' : null);
      expect(await store.writeExclusive('lock', bytes('mine'))).toBe(true);
    });

    it('lets exactly one of two writers have each of many names, whatever is lost', async () => {
      const other = openStore(server.storeUrl(name));
      let count = 0;
      proxy.decide = ({ method }) => (method === 'PUT' && count++ % 3 === 0 ? 'lost-answer' : null);
      for (let token = 1; token <= 12; token++) {
        const won = await Promise.all(
          [store, other].map((each, writer) => each.writeExclusive(`token-${token}`, bytes(`${writer}`))),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(textOf(await store.read(`token-${token}`))).toBe(String(won.indexOf(true)));
      }
    });

    it.each([
      ['503 SlowDown', { answer: 503, code: 'SlowDown' }],
      ['500', { answer: 500 }],
      ['a conflict', { answer: 409, code: 'ConditionalRequestConflict' }],
      ['a connection that ends', 'refused'],
    ] as const)('tries again after %s', async (_, fault) => {
      first(3, fault, isPut('file'));
      await store.write('file', bytes('x'));
      first(3, fault, isPut('exclusive'));
      expect(await store.writeExclusive('exclusive', bytes('y'))).toBe(true);
      first(3, fault, isGet('file'));
      expect(textOf(await store.read('file'))).toBe('x');
      first(3, fault, ({ url }) => url.includes('list-type'));
      expect(await store.list('nothing')).toEqual([]);
    });

    it('goes on with an answer that breaks off, where it broke off', async () => {
      await store.write('large', large);
      let asked = 0;
      proxy.decide = (request) => (isGet('large')(request) && asked++ < 3 ? { cutAfter: 3_000_000 } : null);
      expect(digestOf(await store.read('large'))).toEqual(digestOf(large));
      expect(asked).toBe(4);
      asked = 0;
      expect(await readFile(await store.localFile('large', digestOf(large)))).toHaveLength(large.length);
    });

    it('waits for an answer that comes slowly', async () => {
      await store.write('file', bytes('slowly'));
      first(1, { slowMs: 200 }, isGet('file'));
      expect(textOf(await store.read('file'))).toBe('slowly');
    });

    it.each([
      ['small', bytes('new content')],
      ['large', large],
    ])(
      'sends again %s content that broke off on its way there; until it is whole, the old is read',
      async (_, content) => {
        await store.write('a', bytes('old'));
        const meanwhile: Promise<string>[] = [];
        proxy.decide = (request) => {
          if (!isPut('a')(request)) return null;
          if (meanwhile.length === 2) return { slowBodyMs: 5 };
          meanwhile.push(store.read('a').then(textOf));
          return { cutBodyAfter: 5 };
        };
        await store.write('a', content);
        expect(await Promise.all(meanwhile)).toEqual(['old', 'old']);
        expect(digestOf(await store.read('a'))).toEqual(digestOf(content));
        expect(await unfinishedUploads()).toEqual([]);
      },
    );

    it('reads again what was spoilt on the way, and says what was spoilt where it lies', async () => {
      await store.write('file', bytes('content'));
      first(1, 'spoilt', isGet('file'));
      expect(textOf(await store.read('file'))).toBe('content');
      proxy.decide = (request) => (isGet('file')(request) ? 'spoilt' : null);
      const damaged = {
        code: 'CorruptArtifact',
        message: expect.stringMatching(/\/file is damaged: expected SHA-256/),
      };
      await expect(store.read('file')).rejects.toMatchObject(damaged);
      await expect(store.localFile('file', digestOf(bytes('content')))).rejects.toMatchObject(damaged);
      proxy.decide = () => null;
      await expect(store.localFile('file', digestOf(bytes('longer content')))).rejects.toMatchObject({
        message: expect.stringContaining('expected 14 bytes, found 7'),
      });
    });

    it('takes nothing for absent but what the server says it does not have', async () => {
      const answers: readonly Fault[] = [
        { answer: 404, text: '<html>no such page</html>' },
        { answer: 404, code: 'NoSuchBucket' },
        { answer: 403, code: 'AccessDenied' },
        { answer: 400, code: 'ExpiredToken' },
      ];
      await store.write('file', bytes('x'));
      for (const answer of answers) {
        proxy.decide = () => answer;
        const unread = { code: 'StoreUnreadable', message: expect.stringContaining(`s3://${bucket}/${name}`) };
        const refused = [
          () => store.read('file'),
          () => store.readRange('file', 0, 1),
          () => store.exists('file'),
          () => store.list('a'),
          () => store.folders('a'),
          () => store.write('file', bytes('y')),
          () => store.writeExclusive('new', bytes('y')),
          () => store.localFile('file', digestOf(bytes('x'))),
          () => store.ready(),
          () => store.sweep('a'),
        ];
        for (const work of refused) await expect(work()).rejects.toMatchObject(unread);
      }
      proxy.decide = () => null;
      expect(textOf(await store.read('file'))).toBe('x');
    });

    it('says what to do where access is denied, and where there is no bucket', async () => {
      proxy.decide = () => ({ answer: 403, code: 'AccessDenied' });
      await expect(store.read('a')).rejects.toThrow(
        /cannot be read\. The server answered 403 AccessDenied: .*docs\/store\.md/,
      );
      proxy.decide = () => null;
      const nowhere = openStore('s3://contrail-no-such-bucket/x?path-style=true');
      await expect(nowhere.read('a')).rejects.toThrow(
        /s3:\/\/contrail-no-such-bucket\/x\/a cannot be read\..*There is no such bucket/,
      );
    });

    it('leaves no part of a large file where one of its parts is refused', async () => {
      await store.write('large', bytes('old'));
      proxy.decide = ({ url }) => (url.includes('partNumber=2') ? { answer: 403, code: 'AccessDenied' } : null);
      await expect(store.write('large', large)).rejects.toMatchObject({ code: 'StoreUnreadable' });
      expect(await unfinishedUploads()).toEqual([]);
      expect(textOf(await store.read('large'))).toBe('old');
    });

    it('knows a large file that was completed where the answer to that was lost', async () => {
      first(1, 'lost-answer', ({ method, url }) => method === 'POST' && url.includes('uploadId='));
      await store.write('large', large);
      expect(digestOf(await store.read('large'))).toEqual(digestOf(large));
      expect(await unfinishedUploads()).toEqual([]);
    });

    it('sweeps away uploads that nobody goes on with, and no others', async () => {
      const Key = `${name}/a/large`;
      const { UploadId } = await at.client.send(new at.sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key }));
      // Whenever it was begun: a part was sent to it just now.
      await at.client.send(new at.sdk.UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body: 'a' }));
      await at.client.send(new at.sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key: `${name}-other/a/large` }));
      expect(await store.sweep('a')).toBe(0);
      const prefix = `${name}/a/`;
      expect(await abortStaleUploads({ at, bucket, prefix }, -5000)).toBe(1);
      expect((await unfinishedUploads()).map((upload) => upload.Key)).toEqual([`${name}-other/a/large`]);
    });

    it('lists page after page', async () => {
      await Promise.all(Array.from({ length: 12 }, (_, index) => store.write(`p/${index % 5}/${index}`, bytes('x'))));
      const pages = { at, bucket, prefix: `${name}/p/`, pageKeys: 5 };
      expect(await listObjects(pages)).toHaveLength(12);
      expect(await listFolderNames({ ...pages, pageKeys: 2 })).toEqual(['0', '1', '2', '3', '4']);
    });

    // Another server has signatures checked, and answers that a header is gone.
    it.skipIf(s3ServerKind !== 'moto')(
      'refuses by name a server that ignores the condition of an exclusive write',
      async () => {
        proxy.decide = ({ headers }) => ('if-none-match' in headers ? { without: 'if-none-match' } : null);
        const refused = {
          code: 'SetupFailed',
          message: expect.stringContaining(
            `The S3 server at ${proxy.endpoint} cannot keep the store s3://${bucket}/${name}`,
          ),
        };
        await expect(store.ready()).rejects.toMatchObject(refused);
        await expect(openStore(server.storeUrl(name)).writeExclusive('lock', bytes('x'))).rejects.toMatchObject(
          refused,
        );
        expect(await store.exists('lock')).toBe(false);
      },
    );

    it('refuses one that does not know it', async () => {
      proxy.decide = ({ headers }) => ('if-none-match' in headers ? { answer: 501, code: 'NotImplemented' } : null);
      await expect(store.ready()).rejects.toMatchObject({
        code: 'SetupFailed',
        message: expect.stringMatching(/does not know the condition/),
      });
    });

    it('keeps copies on this machine, fetches one anew that was spoilt there, and forgets one that the store no longer has', async () => {
      const content = bytes('shards of a data set');
      await store.write('a/shard', content);
      const copy = await store.localFile('a/shard', digestOf(content));
      await chmod(copy, 0o600);
      await writeFile(copy, 'shards of a DATA set');
      const fresh = openStore(server.storeUrl(name));
      expect(await readFile(await fresh.localFile('a/shard', digestOf(content)), 'utf8')).toBe('shards of a data set');
      const before = proxy.seen.length;
      await fresh.localFile('a/shard', digestOf(content));
      expect(proxy.seen.length).toBe(before);
      const elsewhere = openStore(server.storeUrl(name).replace(/cache=.*/, 'cache=/tmp/contrail-no-cache'));
      await elsewhere.remove('a/shard');
      await rm('/tmp/contrail-no-cache', { recursive: true, force: true });
      await openStore(server.storeUrl(name)).ready();
      await expect(readFile(copy)).rejects.toMatchObject({ code: 'ENOENT' });
    });
  },
);

describe('an address of an S3 server', () => {
  it.each([
    ['s3://key:secret@bucket/x', /keys do not belong/],
    ['s3://Bad_Bucket/x', /not the name of a bucket/],
    ['s3://bucket/x?region=eu', /knows no region, only path-style/],
    ['s3://bucket/x?path-style=maybe', /path-style \(or CONTRAIL_S3_PATH_STYLE\) must be true or false/],
    ['s3://bucket/x?cache-limit=much', /must be a size such as 20GiB/],
    ['s3://bucket:80/x', /no port/],
  ])('%s is refused with the reason, and without its secret', (url, reason) => {
    const error = (() => {
      try {
        openStore(url);
        return null;
      } catch (caught) {
        return caught as Error;
      }
    })();
    expect(error).toMatchObject({ code: 'Usage', message: expect.stringMatching(reason) });
    expect(error?.message).not.toContain('secret@');
  });

  it('says all but the credentials to another process', () => {
    const { url } = openStore('s3://bucket/a%20b/c?path-style=true&cache=/copies&cache-limit=1.5GiB');
    expect(parseS3Url(url, {})).toEqual({
      ...{ bucket: 'bucket', prefix: 'a b/c', pathStyle: true },
      ...{ cacheFolder: '/copies', cacheBytes: 1.5 * 2 ** 30 },
    });
    expect(openStore(url).url).toBe(url);
    expect(openStore(url).locate('x')).toBe('s3://bucket/a b/c/x');
  });
});
