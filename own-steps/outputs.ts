import { constants, createReadStream, existsSync } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type ArtifactRef, type TreeAbout, treePathSchema } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import type { ProgramOutput } from '../contracts/kinds/run.ts';
import { formatBytes, limits } from '../contracts/limits.ts';
import { createArtifactWriter, isMissing, type Store, whileHeld, withRegularFile } from '../store/index.ts';

/** Where an output is, from the working folder. */
export const pathOfOutput = (output: ProgramOutput): string =>
  'folder' in output ? output.folder : 'file' in output ? output.file : output.dataset;

interface Made<O extends ProgramOutput> {
  readonly name: string;
  readonly output: O;
  /** The working folder. */
  readonly work: string;
}

/** What is wrong with an output, as an error. */
export const wrongOutput = (name: string, what: string, cause?: unknown): ContrailError =>
  new ContrailError('InvalidResult', `The output ${name} ${what}`, { cause });

/**
 * Finds what a program left at an output's place. Nothing outside the working folder is looked at: links are refused.
 *
 * @throws ContrailError InvalidResult where it is not there, or not what the output says
 */
export async function findOutput({ name, output, work }: Made<ProgramOutput>): Promise<string> {
  const wrong = (what: string) => wrongOutput(name, `${what}.`);
  const path = pathOfOutput(output);
  const place = join(work, path);
  const is = 'file' in output ? 'file' : 'folder';
  const found = await lstat(place).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (!found) throw wrong(`is missing: the program wrote no ${is} ${path}`);
  const inside = relative(await realpath(work), await realpath(place));
  if (found.isSymbolicLink() || inside !== path.split('/').join(sep))
    throw wrong(`is, or lies behind, a link: ${path} must be in the working folder itself`);
  if (is === 'folder' ? !found.isDirectory() : !found.isFile()) throw wrong(`must be a ${is}: ${path} is none`);
  return place;
}

/** Stores outputs one after the other; nothing names the first before the last is stored, which may take hours. */
export async function storedOutputs<O>(
  store: Store,
  outputs: readonly (readonly [string, O])[],
  storeOne: (name: string, output: O) => Promise<ArtifactRef>,
): Promise<Record<string, Json>> {
  const stored: ArtifactRef[] = [];
  const named: Record<string, Json> = {};
  await whileHeld(store, stored, async () => {
    for (const [name, output] of outputs) {
      const ref = await storeOne(name, output);
      stored.push(ref);
      named[name] = { ...ref };
    }
  });
  return named;
}

/**
 * Stores the folder or file that a program left at an output's place.
 *
 * @throws ContrailError InvalidResult where it is not there, or not what the output says
 */
export async function storeOutput(
  store: Store,
  made: Made<Exclude<ProgramOutput, { readonly dataset: string }>> & { readonly signal: AbortSignal },
): Promise<ArtifactRef> {
  const { name, output, signal } = made;
  const wrong = (what: string) => wrongOutput(name, `${what}.`);
  const place = await findOutput(made);
  const path = pathOfOutput(output);
  const is = 'folder' in output ? 'folder' : 'file';
  const files = is === 'folder' ? await filesIn(place, '', wrong) : [path.split('/').at(-1) ?? path];
  const folder = is === 'folder' ? place : join(place, '..');
  const writer = createArtifactWriter(store, 'files');
  try {
    const about: TreeAbout['files'] = [];
    let room: number = limits.outputBytes;
    for (const [index, file] of files.toSorted().entries()) {
      signal.throwIfAborted();
      const stored = String(index + 1).padStart(6, '0');
      const added = await addFile(writer.add, join(folder, file), stored, { room, signal });
      if (added === null) throw wrong(`holds ${file}, which is no file`);
      if ('tooLarge' in added) throw wrong(`has more than ${formatBytes(limits.outputBytes)}, which is the limit`);
      room -= added.size;
      about.push({ path: file, file: stored, ...(added.executable ? { executable: true } : {}) });
    }
    return await writer.finish({ is, files: about } satisfies TreeAbout);
  } finally {
    await writer.discard();
  }
}

/**
 * Adds a file piece by piece, so that a signal ends it within a large one.
 *
 * @param room bytes that it may have
 * @returns its size, and whether it can be executed; null where it is, by now, not a file
 */
const addFile = (
  add: (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>,
  path: string,
  name: string,
  { room, signal }: { readonly room: number; readonly signal: AbortSignal },
): Promise<{ readonly size: number; readonly executable: boolean } | { readonly tooLarge: true } | null> =>
  withRegularFile(path, 'refused', async (file, { mode, size }) => {
    if (size > room) return { tooLarge: true };
    await add(name, createReadStream('', { fd: file, autoClose: false, highWaterMark: 1024 * 1024, signal }));
    return { size, executable: (mode & constants.S_IXUSR) !== 0 };
  });

export async function filesIn(
  root: string,
  below: string,
  wrong: (what: string) => ContrailError,
  found: string[] = [],
): Promise<string[]> {
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (!treePathSchema.safeParse(path).success) throw wrong(`holds ${JSON.stringify(path)}, whose path is too long`);
    // What is no UTF-8 comes with U+FFFD in its place, and nothing is found by such a name.
    if (entry.name.includes('\ufffd') && !existsSync(join(root, path)))
      throw wrong(`holds ${JSON.stringify(path)}, whose name is not valid UTF-8: rename it`);
    if (entry.isDirectory()) await filesIn(root, path, wrong, found);
    else if (entry.isFile()) found.push(path);
    else
      throw wrong(
        `holds ${path}, which is ${entry.isSymbolicLink() ? 'a link' : 'no file'}; only files and folders can be kept`,
      );
    if (found.length > limits.outputFiles) throw wrong(`holds more than ${limits.outputFiles} files`);
  }
  return found;
}
