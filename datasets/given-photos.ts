import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ContrailError } from '../contracts/errors.ts';
import { hasCode } from '../contracts/system-errors.ts';
import { withRegularFile } from '../store/index.ts';
import { mostBytes, tooLarge } from './folder/inspect.ts';
import { cannotRead, openTree, reasonOf, type Tree } from './folder/walk.ts';
import { fetchPublicImage } from './table/fetch/index.ts';
import { unnumbered } from './table/url-names.ts';

/** A photo that somebody named. */
export interface GivenPhoto {
  /** As it was named, or its path in the folder that was; of a URL without its query, which may hold a secret. */
  readonly name: string;
  /** Its bytes, or why there are none, to be said after its name. */
  readonly read: () => Promise<Buffer | { readonly rejected: string }>;
}

export interface GivenOptions {
  /** What `-` stands for. */
  readonly stdin: Readable;
  /** Where URLs are fetched to; null where they must not be fetched. */
  readonly fetchTo: string | null;
  readonly signal?: AbortSignal | undefined;
}

const isUrl = (text: string) => /^https?:\/\//i.test(text);

/**
 * Finds the photos that are meant by paths of files and of folders, which are searched through, by URLs, and by `-`, standard input. What
 * cannot be used is among them, and says why when it is read.
 *
 * @throws ContrailError Usage for a URL that must not be fetched, or `-` named twice
 * @throws ContrailError InvalidDataset for a folder that cannot be read
 */
export async function findPhotos(named: readonly string[], options: GivenOptions): Promise<GivenPhoto[]> {
  const { stdin, fetchTo, signal } = options;
  if (named.filter((each) => each === '-').length > 1)
    throw new ContrailError('Usage', 'Standard input, `-`, can be read once. Name it once.');
  const photos: GivenPhoto[] = [];
  for (const each of named) {
    signal?.throwIfAborted();
    if (each === '-') photos.push({ name: '-', read: () => bytesOf(stdin) });
    else if (isUrl(each)) photos.push(ofUrl(each, fetchTo, signal));
    else for (const photo of await ofPath(each, signal)) photos.push(photo);
  }
  return photos;
}

function ofUrl(text: string, fetchTo: string | null, signal: AbortSignal | undefined): GivenPhoto {
  if (!URL.canParse(text)) return { name: text.replace(/\?.*$/s, ''), read: rejected('is no URL') };
  const name = unnumbered.nameOf(new URL(text));
  if (fetchTo === null)
    throw new ContrailError('Usage', `${name} is a URL. Add --allow-urls to fetch it, or name a file.`);
  return {
    name,
    read: async () => {
      const found = await fetchPublicImage(text, fetchTo, signal);
      return 'path' in found ? bytesOfFile(found.path) : { rejected: found.reason };
    },
  };
}

async function ofPath(path: string, signal: AbortSignal | undefined): Promise<readonly GivenPhoto[]> {
  const only = (read: GivenPhoto['read']): readonly GivenPhoto[] => [{ name: path, read }];
  if (path === '') return only(rejected('is an empty name'));
  if (path.includes('\0')) return only(rejected('is no name of a file'));
  try {
    if (!(await stat(path)).isDirectory()) return only(() => bytesOfFile(path));
  } catch (error) {
    return only(rejected(hasCode(error, 'ENOENT', 'ENOTDIR') ? 'is not there' : reasonOf(error)));
  }
  const root = await realpath(path).catch((error: unknown) => {
    throw cannotRead(path, error);
  });
  const photos: GivenPhoto[] = [];
  await walk(openTree(root, signal), '', new Set([root]), (name, read) =>
    photos.push({ name: join(path, name), read }),
  );
  return photos;
}

/** Each folder is read once, by whichever of its names comes first: links may lead round in a circle. */
async function walk(
  tree: Tree,
  folder: string,
  seen: Set<string>,
  add: (path: string, read: GivenPhoto['read']) => void,
): Promise<void> {
  for (const entry of await tree.list(folder)) {
    if (entry.is === 'file') add(entry.path, () => bytesOfFile(join(tree.root, entry.path)));
    else if (entry.is === 'unusable') add(entry.path, rejected(entry.reason));
    else if (entry.is === 'folder' && !seen.has(entry.real)) {
      seen.add(entry.real);
      await walk(tree, entry.path, seen, add);
    }
  }
}

const rejected = (reason: string) => async () => ({ rejected: reason });

async function bytesOfFile(path: string): Promise<Buffer | { readonly rejected: string }> {
  try {
    const found = await withRegularFile<Buffer | { readonly rejected: string }>(
      path,
      'followed',
      async (file, { size }) => (size > mostBytes ? { rejected: tooLarge(size) } : file.readFile()),
    );
    return found ?? { rejected: 'is a pipe, a socket or a device, not a file' };
  } catch (error) {
    return { rejected: reasonOf(error) };
  }
}

async function bytesOf(stream: Readable): Promise<Buffer | { readonly rejected: string }> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    pieces.push(piece as Buffer);
    bytes += (piece as Buffer).length;
    if (bytes > mostBytes) return { rejected: tooLarge(bytes) };
  }
  return Buffer.concat(pieces);
}

/** Names, one a line. An empty line names nothing. @throws ContrailError Usage where it is no list of names */
export async function readNames(stream: Readable): Promise<string[]> {
  const bytes = await bytesOf(stream);
  if (!Buffer.isBuffer(bytes)) throw new ContrailError('Usage', `The list of names ${bytes.rejected}.`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ContrailError(
      'Usage',
      'Standard input is no list of names in UTF-8. For an image there, leave out --list.',
      { cause },
    );
  }
  return text
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line !== '');
}
