import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ContrailError } from '../contracts/errors.ts';
import { createFileStore } from './file-store.ts';

/** Bytes to write: all at once, or in pieces. */
export type Content = Uint8Array | Iterable<Uint8Array>;

/** A file in the store. */
export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Where datasets, checkpoints and results live: named byte strings, and nothing else.
 *
 * Paths are relative, with `/` between names; a path that could leave the store is refused. A file appears whole or not
 * at all. This is the whole surface that a driver has to offer.
 */
export interface Store {
  readonly url: string;
  /** @throws ContrailError CorruptArtifact when there is no such file */
  readonly read: (path: string) => Promise<Uint8Array>;
  readonly exists: (path: string) => Promise<boolean>;
  /** Every file below a folder, sorted by path; empty when there is no such folder. */
  readonly list: (folder: string) => Promise<readonly StoredFile[]>;
  /** Writes a file, replacing one of that name. Durable when it returns. */
  readonly write: (path: string, content: Content) => Promise<void>;
  /** Writes a file unless there is one of that name; says whether it did. Of several writers exactly one succeeds. */
  readonly writeExclusive: (path: string, content: Uint8Array) => Promise<boolean>;
  /** Removes a file; nothing happens when there is none. */
  readonly remove: (path: string) => Promise<void>;
  /** Where a person finds the file or folder: a path on this machine. */
  readonly locate: (path: string) => string;
}

/**
 * Opens the store at a `file:` URL or an absolute folder.
 *
 * @throws ContrailError Usage for anything else
 */
export function openStore(url: string): Store {
  if (url.startsWith('file:')) return createFileStore(fileURLToPath(url));
  if (isAbsolute(url)) return createFileStore(url);
  throw new ContrailError('Usage', `The store ${JSON.stringify(url)} is neither a file: URL nor an absolute folder.`);
}
