import type { z } from 'zod';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { explained } from '../contracts/system-errors.ts';
import { parseJson } from './digest.ts';
import type { Store, StoredFile } from './store.ts';

/**
 * How the store is read: what is not there, what is damaged, and what cannot be read now are three things.
 *
 * R1. Only what the file system, or the object store, says it does not have is missing. It is null, or the documented error.
 * R2. A file that was read and does not hold what it should is CorruptArtifact, with its name and the remedy.
 * R3. Any other error is StoreUnreadable, with the file's name: it says nothing about what is in the file.
 */
const notFoundCodes: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'NoSuchKey'];

/** Whether an error says for certain that there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (('code' in error && notFoundCodes.includes(error.code)) || notFoundCodes.includes(error.name)) return true;
  return isContrailError(error) && isMissing(error.cause);
}

/** What a store throws for a file that it does not have. */
export const missingFile = (where: string, cause?: unknown): ContrailError =>
  new ContrailError('CorruptArtifact', `The store has no file ${where}.`, {
    cause: isMissing(cause) ? cause : Object.assign(new Error('no such file'), { code: 'ENOENT' }),
  });

/** An error of reading that does not say what the file holds. What explains itself already is left as it is. */
export function unreadable(where: string, cause: unknown): ContrailError {
  if (isContrailError(cause)) return cause;
  const reason = explained(cause)?.message ?? (cause instanceof Error ? cause.message : String(cause));
  return new ContrailError('StoreUnreadable', `${where} cannot be read. ${reason}`, { cause });
}

/** A file that does not hold what it should. */
export const damagedFile = (where: string, what: string, remedy: string, cause?: unknown): ContrailError =>
  new ContrailError('CorruptArtifact', `${where} is damaged: it is not ${what}. ${remedy}`, { cause });

/** The bytes of a file; null where there is none. @throws ContrailError StoreUnreadable */
export async function readIfThere(store: Store, path: string): Promise<Uint8Array | null> {
  try {
    return await store.read(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw unreadable(store.locate(path), error);
  }
}

/** A file of text; null where there is none. @throws ContrailError StoreUnreadable */
export async function readText(store: Store, path: string): Promise<string | null> {
  const bytes = await readIfThere(store, path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** As the store's own `list`, with errors that name the folder. @throws ContrailError StoreUnreadable */
export async function listFiles(store: Store, folder: string): Promise<readonly StoredFile[]> {
  try {
    return await store.list(folder);
  } catch (error) {
    throw unreadable(store.locate(folder), error);
  }
}

/** As the store's own `folders`, with errors that name the folder. @throws ContrailError StoreUnreadable */
export async function listFolders(store: Store, folder: string): Promise<readonly string[]> {
  try {
    return await store.folders(folder);
  } catch (error) {
    throw unreadable(store.locate(folder), error);
  }
}

/** What a JSON file of the store must hold, and what a person does where it does not. */
export interface Expected<T> {
  readonly schema: z.ZodType<T>;
  /** As in "is not the plan of a run". */
  readonly what: string;
  readonly remedy: string;
}

/** Reads a JSON file; null where there is none. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function readJson<T>(store: Store, path: string, expected: Expected<T>): Promise<T | null> {
  const bytes = await readIfThere(store, path);
  return bytes === null ? null : decodeJson(store, path, bytes, expected);
}

/** @throws ContrailError CorruptArtifact that names the file */
export function decodeJson<T>(store: Store, path: string, bytes: Uint8Array, { schema, what, remedy }: Expected<T>): T {
  try {
    return schema.parse(parseJson(bytes));
  } catch (cause) {
    throw damagedFile(store.locate(path), what, remedy, cause);
  }
}

/**
 * For what can be made again: a damaged file is told to `onDamage`, and counts as none. One that cannot be read now is
 * still an error.
 */
export async function unlessDamaged<T>(
  reading: Promise<T>,
  onDamage: (problem: string, error: ContrailError) => void,
): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (!isContrailError(error) || error.code !== 'CorruptArtifact') throw error;
    onDamage(error.message, error);
    return null;
  }
}
