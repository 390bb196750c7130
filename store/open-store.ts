import { fileURLToPath } from 'node:url';
import { ContrailError } from '../contracts/errors.ts';
import { createFileStore } from './file-store.ts';
import type { Store } from './store.ts';

/**
 * Opens the store at a `file:` URL or in a folder. Nothing is created before the first write.
 *
 * @throws ContrailError Usage for anything else
 */
export function openStore(url: string): Store {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(url)?.[1]?.toLowerCase();
  if (url !== '' && scheme === undefined) return createFileStore(url);
  try {
    if (scheme === 'file') return createFileStore(fileURLToPath(url));
  } catch {
    // A file: URL that names no folder of this machine is refused below.
  }
  throw new ContrailError(
    'Usage',
    `The store ${JSON.stringify(url)} cannot be opened: give a folder, or a file: URL such as file:///var/lib/contrail.`,
  );
}
