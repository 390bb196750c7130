/** Photos that somebody names: files, folders however they lead round, many of them, and URLs of the public internet alone. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPhotos, readNames } from '../../datasets/index.ts';
import { fetchImage } from '../../datasets/table/fetch/fetch-image.ts';
import { isPublicAddress, publicRequest } from '../../datasets/table/fetch/public-request.ts';
import { openUrlCache } from '../../datasets/table/fetch/url-cache.ts';
import { certificatesIn } from '../cli/certificates.ts';
import { folder, images, png, useImageFolders } from './image-folder.ts';

useImageFolders();

const find = (...named: readonly string[]) => findPhotos(named, { stdin: Readable.from([]), fetchTo: null });

describe('named photos', () => {
  it('of a folder are found once each, however its links lead round', async () => {
    await mkdir(join(images, 'a', 'b'), { recursive: true });
    await writeFile(join(images, 'a', 'b', 'x.png'), await png(1));
    await symlink('..', join(images, 'a', 'up'));
    await symlink('a', join(images, 'again'));
    await symlink('itself', join(images, 'itself'));
    await writeFile(join(images, '.DS_Store'), 'dropping');
    const found = await find(images);
    expect(found.map(({ name }) => name.slice(images.length))).toEqual(['/a/b/x.png', '/itself']);
    expect(await found[0]?.read()).toEqual(await png(1));
    expect(await found[1]?.read()).toMatchObject({ rejected: expect.stringContaining('leads back to itself') });
  });

  it('that cannot be read say why, each for itself', async () => {
    const photos = await find(join(images, 'no'), '', '/dev/zero', 'a\0b', join(images, 'no', 'deeper'));
    const said = await Promise.all(photos.map(({ read }) => read()));
    expect(said.map((each) => (Buffer.isBuffer(each) ? '' : each.rejected))).toEqual([
      'is not there',
      'is an empty name',
      'is a pipe, a socket or a device, not a file',
      'is no name of a file',
      'is not there',
    ]);
  });

  it('are found by the ten thousand, and none is opened before its turn', async () => {
    await Promise.all(Array.from({ length: 10_000 }, (_, at) => writeFile(join(images, `${at}.png`), '')));
    expect(await find(images)).toHaveLength(10_000);
  });

  it('on standard input are an image, once, or a list of names', async () => {
    await expect(find('-', '-')).rejects.toMatchObject({ code: 'Usage' });
    expect(await readNames(Readable.from([Buffer.from('a.png\r\n\nb c.png\n')]))).toEqual(['a.png', 'b c.png']);
    await expect(readNames(Readable.from([await png(3)]))).rejects.toThrow(/no list of names.*leave out --list/);
  });
});

describe('an address', () => {
  it.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111'])('%s is public', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );
  it.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.31.255.255', '192.168.0.1'],
    ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fd00::1', 'ff02::1'],
    ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', 'no address', ''],
  ])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a URL', () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    const { port } = server.address() as AddressInfo;
    if (request.url === '/moved') response.writeHead(302, { location: `http://127.0.0.2:${port}/secret` }).end();
    else if (request.url === '/near') response.writeHead(302, { location: '/image' }).end();
    else if (request.url === '/announced') response.writeHead(200, { 'content-length': 2 ** 40 }).write('x');
    else if (request.url === '/more') response.writeHead(200).end('x'.repeat(200));
    else if (request.url === '/less')
      response.writeHead(200, { 'content-length': 100 }).write('x', () => response.destroy());
    else if (request.url === '/slow') response.writeHead(200).write('x');
    else response.writeHead(200).end('bytes');
  });
  beforeAll(() => new Promise<void>((done) => void server.listen(0, '0.0.0.0', done)));
  afterAll(() => void server.close());
  const get = (host: string, path: string, isAllowed: (address: string) => boolean) => {
    const { port } = server.address() as AddressInfo;
    return fetchImage(`http://${host}:${port}${path}`, openUrlCache(join(folder, 'urls')), {
      request: publicRequest(isAllowed),
    });
  };
  const refused = { reason: expect.stringContaining('this machine or its network'), passing: false };
  const isHere = (address: string) => address === '127.0.0.1';

  it.each([
    ['/announced', { reason: 'has more than 100 bytes, which are not fetched', passing: false }],
    ['/more', { reason: 'has more than 100 bytes, which are not fetched', passing: false }],
    ['/less', { reason: 'could not be fetched: the connection broke', passing: true }],
    ['/slow', { reason: 'could not be fetched within 0.5 s', passing: true }],
  ])('whose server does not keep to what it says is given up: %s', async (path, expected) => {
    const { port } = server.address() as AddressInfo;
    const limits = { bytes: 100, milliseconds: 500, redirects: 2, waits: [] };
    const found = await fetchImage(`http://127.0.0.1:${port}${path}`, openUrlCache(join(folder, 'urls')), {
      ...{ limits, request: publicRequest(isHere) },
    });
    expect(found).toEqual(expected);
  });

  it.skipIf(spawnSync('openssl', ['version']).status !== 0)(
    'of a server that cannot prove its name, or has no TLS, says which, and is asked once',
    async () => {
      const { at, authority } = certificatesIn(folder);
      authority('localhost');
      let connections = 0;
      const secure = createSecureServer({
        cert: await readFile(at('localhost.pem')),
        key: await readFile(at('localhost.key')),
      }).on('connection', () => {
        connections++;
      });
      await new Promise<void>((done) => void secure.listen(0, '127.0.0.1', done));
      const fetched = (port: number) =>
        fetchImage(`https://127.0.0.1:${port}/image`, openUrlCache(join(folder, 'urls')), {
          request: publicRequest(isHere),
        });
      expect(await fetched((secure.address() as AddressInfo).port)).toEqual({
        reason: "could not be fetched: the server's certificate is not valid (DEPTH_ZERO_SELF_SIGNED_CERT)",
        passing: false,
      });
      expect(connections).toBe(1);
      secure.close();
      expect(await fetched((server.address() as AddressInfo).port)).toMatchObject({
        reason: expect.stringMatching(/^could not be fetched: (the server does not speak TLS|the connection failed)/),
      });
    },
  );

  it('is fetched where its address may be reached, through redirects', async () => {
    expect(await get('127.0.0.1', '/near', isHere)).toMatchObject({ bytes: 5 });
  });

  it('is not followed to an address that may not', async () => {
    asked.length = 0;
    expect(await get('127.0.0.1', '/moved', (address) => address === '127.0.0.1')).toEqual(refused);
    expect(asked.map((each) => each.replace(/:\d+/, ''))).toEqual(['127.0.0.1/moved']);
  });

  it('is not asked for where its name stands for such an address', async () => {
    asked.length = 0;
    expect(await get('localhost', '/image', isPublicAddress)).toEqual(refused);
    expect(await get('127.0.0.1', '/image', isPublicAddress)).toEqual(refused);
    expect(asked).toEqual([]);
  });
});
