import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openHome } from '../../home/home.ts';
import { parseS3Url } from '../../store/s3/address.ts';

const home = (variables: NodeJS.ProcessEnv) => openHome({ CONTRAIL_HOME: '/tmp/contrail-no-home', ...variables });

it('a home keeps the copies of files of a bucket, unless the URL or a variable names another folder', () => {
  const cacheOf = (variables: NodeJS.ProcessEnv) => parseS3Url(home(variables).storeUrl, {}).cacheFolder;
  const own = join('/tmp/contrail-no-home', 'cache', 'objects');
  expect(cacheOf({ CONTRAIL_STORE: 's3://bucket/a' })).toBe(own);
  expect(cacheOf({ CONTRAIL_STORE: 's3://bucket/a', CONTRAIL_STORE_CACHE: '/copies' })).toBe('/copies');
  expect(cacheOf({ CONTRAIL_STORE: 's3://bucket/a?cache=/other', CONTRAIL_STORE_CACHE: '/copies' })).toBe('/other');
});

it('a folder stays a folder', () => {
  expect(home({ CONTRAIL_STORE: '/srv/store' }).storeUrl).toBe('file:///srv/store');
  expect(home({}).storeUrl).toBe('file:///tmp/contrail-no-home/store');
});
