import { describe, expect, it } from 'vitest';
import { createGuard, isLoopback } from '../../../serving/http/guard.ts';

const here = { host: '127.0.0.1', token: null, allowedHosts: [] };
const from = (headers: Record<string, string>, options: Partial<Parameters<typeof createGuard>[0]> = {}) => {
  const guard = createGuard({ ...here, ...options });
  return (method: string) => () => guard.checkOrigin({ host: '127.0.0.1:8484', ...headers }, method);
};

describe('a request to a server on loopback', () => {
  it.each(['127.0.0.1:8484', 'localhost:8484', '[::1]:8484', '127.0.0.1'])('may name it %s', (host) => {
    expect(from({ host })('GET')).not.toThrow();
  });

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8484', '192.168.0.7'])(
    'may not name it %s, as a page does whose name leads here',
    (host) => expect(from({ host })('GET')).toThrow('does not answer to that host name'),
  );

  it('must name it at all', () => {
    expect(from({ host: '' })('GET')).toThrow('names no server');
    expect(from({ host: 'a b' })('GET')).toThrow('names no server');
  });

  it('under another name is told the option of its program that allows one, where there is one', () => {
    const other = { host: 'photos.example' };
    expect(from(other, { allowOption: '--metrics-allow-host' })('GET')).toThrow(
      'Its operator allows one with --metrics-allow-host.',
    );
    expect(from(other)('GET')).toThrow(/that host name\. Ask it by localhost\.$/);
  });

  it('may name it as its operator allows', () => {
    expect(from({ host: 'photos.example' }, { allowedHosts: ['Photos.example'] })('POST')).not.toThrow();
  });

  it('comes from its own page or from no page', () => {
    expect(from({ origin: 'http://127.0.0.1:8484' })('POST')).not.toThrow();
    for (const origin of ['http://evil.example', 'http://127.0.0.1:9000', 'null', 'http://localhost:8484'])
      expect(from({ origin })('POST'), origin).toThrow('Pages of other sites');
    expect(from({ 'sec-fetch-site': 'cross-site' })('POST')).toThrow('Pages of other sites');
  });

  it('comes from its own page through a proxy that ends TLS', () => {
    const headers = { host: 'photos.example', origin: 'https://photos.example' };
    expect(from(headers, { allowedHosts: ['photos.example'] })('POST')).not.toThrow();
  });
});

describe('a token', () => {
  const { checkToken, needsToken } = createGuard({ ...here, token: 'a-token-of-sixteen' });

  it('is asked for where there is one', () => {
    expect(needsToken).toBe(true);
    expect(() => checkToken({ authorization: 'Bearer a-token-of-sixteen' })).not.toThrow();
    expect(() => checkToken({ authorization: 'bearer   a-token-of-sixteen' })).not.toThrow();
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer a-token-of-sixteen2',
    'Basic a-token-of-sixteen',
    'a-token-of-sixteen',
  ])('is not %s', (authorization) =>
    expect(() => checkToken(authorization === undefined ? {} : { authorization })).toThrow('A token is needed'),
  );

  it('is not asked for where there is none', () => expect(() => createGuard(here).checkToken({})).not.toThrow());
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.2', false],
  ['127.0.0.1.evil.example', false],
])('knows whether %s is this machine alone: %s', (host, expected) => expect(isLoopback(host)).toBe(expected));
