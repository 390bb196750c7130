import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ContrailError } from '../../contracts/errors.ts';
import { checkedPath } from '../paths.ts';

/** Where a store on an S3 server is, and how it is reached. Endpoint, region and credentials are the SDK's own affair. */
export interface S3Address {
  readonly bucket: string;
  /** What the keys begin with, without a slash at its end; may be empty. */
  readonly prefix: string;
  /** The bucket is named in the path of a request, not in its host. */
  readonly pathStyle: boolean;
  /** Where copies of files lie on this machine, and files that are being written. */
  readonly cacheFolder: string;
  /** How many bytes the copies may have that nothing uses. */
  readonly cacheBytes: number;
}

const units = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
const sizePattern = /^(\d{1,12}(?:\.\d{1,6})?) ?(KiB|MiB|GiB|TiB|KB|MB|GB|TB|)$/;

const size = z
  .string()
  .regex(sizePattern, 'must be a size such as 20GiB')
  .transform((text) => {
    const [, number, unit = ''] = sizePattern.exec(text) ?? [];
    return Math.round(Number(number) * units[unit as keyof typeof units]);
  });
const choice = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

const settingsSchema = z.strictObject({
  'path-style': choice.default(false),
  cache: z.string().min(1).max(4096).optional(),
  'cache-limit': size.default(20 * 2 ** 30),
});

/** Variables that say what the URL leaves open. */
const variables = {
  'path-style': 'CONTRAIL_S3_PATH_STYLE',
  cache: 'CONTRAIL_STORE_CACHE',
  'cache-limit': 'CONTRAIL_STORE_CACHE_LIMIT',
} as const;

/** As Amazon allows; other servers allow no more. */
const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const longestPrefix = 512;

const example =
  's3://bucket/prefix, or s3://bucket/prefix?path-style=true for a server that has no host name for each bucket';

/**
 * Reads the URL of a store on an S3 server: `s3://bucket/prefix?path-style=true&cache=/folder&cache-limit=20GiB`. What it leaves open
 * is taken from the environment, then the default.
 *
 * @throws ContrailError Usage
 */
export function parseS3Url(text: string, environment: NodeJS.ProcessEnv = process.env): S3Address {
  const wrong = (what: string) =>
    new ContrailError(
      'Usage',
      `The store ${JSON.stringify(shownUrl(text))} cannot be opened: ${what}. Give ${example}.`,
    );
  let url: URL;
  let prefix: string;
  try {
    url = new URL(text);
    prefix = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, '');
  } catch {
    throw wrong('it is no URL');
  }
  if (url.username !== '' || url.password !== '')
    throw wrong('keys do not belong into it. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE');
  if (url.port !== '' || url.hash !== '')
    throw wrong('a bucket has no port and no fragment; AWS_ENDPOINT_URL_S3 names a server');
  if (!bucketPattern.test(url.hostname)) throw wrong(`${JSON.stringify(url.hostname)} is not the name of a bucket`);
  if (prefix !== '') checkedPath(prefix);
  if (prefix.length > longestPrefix) throw wrong(`its prefix has more than ${longestPrefix} characters`);
  const given: Record<string, string> = {};
  for (const [name, variable] of Object.entries(variables)) {
    const value = url.searchParams.get(name) ?? environment[variable];
    if (value !== undefined) given[name] = value;
  }
  for (const name of url.searchParams.keys()) if (!(name in variables)) given[name] = '';
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue?.path[0] ?? '');
    throw wrong(
      issue?.code === 'unrecognized_keys'
        ? `it knows no ${issue.keys.join(', ')}, only ${Object.keys(variables).join(', ')}`
        : `${name}${name in variables ? ` (or ${variables[name as keyof typeof variables]})` : ''} ${issue?.message ?? 'is wrong'}`,
    );
  }
  const { cache, 'path-style': pathStyle, 'cache-limit': cacheBytes } = parsed.data;
  return {
    bucket: url.hostname,
    prefix,
    pathStyle,
    cacheFolder: resolve(cache ?? defaultCache(environment)),
    cacheBytes,
  };
}

const defaultCache = ({ XDG_CACHE_HOME }: NodeJS.ProcessEnv) =>
  join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'contrail', 'objects');

/** The URL that says all of an address: another process opens the same store with it, whatever its environment. */
export function s3Url({ pathStyle, cacheFolder, cacheBytes, ...place }: S3Address): string {
  const settings = new URLSearchParams({
    ...(pathStyle ? { 'path-style': 'true' } : {}),
    cache: cacheFolder,
    'cache-limit': String(cacheBytes),
  });
  return `${placeUrl(place)}?${settings}`;
}

/** Where it is, without how it is reached. */
export const placeUrl = ({ bucket, prefix }: Pick<S3Address, 'bucket' | 'prefix'>): string =>
  `s3://${bucket}${prefix === '' ? '' : `/${prefix.split('/').map(encodeURIComponent).join('/')}`}`;

/** Without what may be a password, and without the folder for copies, which a home adds. */
const shownUrl = (text: string) =>
  text
    .replace(/\/\/[^/@]*@/, '//…@')
    .replace(/([?&])cache=[^&]*&?/, '$1')
    .replace(/[?&]$/, '');
