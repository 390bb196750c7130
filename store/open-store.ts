import { fileURLToPath } from 'node:url';
import { ContrailError } from '../contracts/errors.ts';
import { createFileStore } from './file-store.ts';
import { parseS3Url } from './s3/address.ts';
import { createS3Store } from './s3/s3-store.ts';
import type { Store } from './store.ts';

/**
 * Opens the store in a folder, at a `file:` URL, or on an S3 server at `s3://bucket/prefix`. Nothing is created before the first write,
 * and no server is asked before the first use.
 *
 * @throws ContrailError Usage for anything else
 */
export function openStore(url: string): Store {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(url)?.[1]?.toLowerCase();
  if (url !== '' && scheme === undefined) return createFileStore(url);
  if (scheme === 's3') return createS3Store(parseS3Url(url));
  try {
    if (scheme === 'file') return createFileStore(fileURLToPath(url));
  } catch {
    // A file: URL that names no folder of this machine is refused below.
  }
  throw new ContrailError(
    'Usage',
    `The store ${JSON.stringify(url)} cannot be opened: give a folder, a file: URL such as file:///var/lib/contrail, or an S3 URL such as s3://bucket/prefix.`,
  );
}
