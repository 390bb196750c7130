import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { type CodeRef, type FileEntry, type TreeAbout, treePathSchema } from '../contracts/artifacts.ts';
import { formatBytes, limits } from '../contracts/limits.ts';
import { explained } from '../contracts/system-errors.ts';
import { digestOf, manifestOf, type Store, writeArtifact } from '../store/index.ts';
import { filesLike } from './patterns.ts';

/** A file that a step needs. */
export interface SourceFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
}

/** Files of the user's own, before they are stored. */
export interface Code {
  readonly ref: CodeRef;
  readonly files: readonly SourceFile[];
}

export type FoundSources =
  | { readonly files: readonly SourceFile[] }
  | { readonly problem: string; readonly source?: number };

/**
 * Reads the files that a program needs: those that patterns name, and those that words of its command are.
 *
 * @param root the folder of the pipeline; nothing outside it is read, by a link neither
 */
export function readSources(
  root: string,
  { command, sources }: { readonly command: readonly string[]; readonly sources: readonly string[] },
): FoundSources {
  const paths = new Set<string>();
  for (const [source, written] of sources.entries()) {
    const pattern = written.replace(/^\.\//, '').replace(/\/+$/, '');
    if (!treePathSchema.safeParse(pattern).success)
      return { problem: 'must be a path or a pattern inside the folder of the pipeline, without ".."', source };
    try {
      const found = isFile(join(root, pattern)) ? [pattern] : filesLike(root, pattern);
      if (found.length === 0) return { problem: `there is no file like ${written} beside the pipeline`, source };
      for (const path of found) paths.add(path);
    } catch (error) {
      return { problem: `${written} cannot be looked for: ${explained(error)?.message ?? String(error)}`, source };
    }
  }
  for (const path of filesAmong(root, command)) paths.add(path);
  return readFiles(root, [...paths].sort());
}

/** The words of a command that are files in a folder, by their paths there, sorted. */
export const filesAmong = (root: string, command: readonly string[]): readonly string[] =>
  [...new Set(command.map(pathOfWord))]
    .filter((path) => treePathSchema.safeParse(path).success && isFile(join(root, path)))
    .sort();

/** A word of a command as a path. */
export const pathOfWord = (word: string): string => word.replace(/^\.\//, '');

/** Reads files by their paths from the folder of the pipeline. */
export function readFiles(root: string, paths: readonly string[]): FoundSources {
  if (paths.length > limits.sourceFiles)
    return { problem: `these are ${paths.length} files; at most ${limits.sourceFiles} are allowed` };
  const files: SourceFile[] = [];
  let bytes = 0;
  for (const path of paths) {
    try {
      const place = join(root, path);
      const inside = relative(realpathSync(root), realpathSync(place));
      if (inside.startsWith('..') || isAbsolute(inside))
        return { problem: `${path} is a link to a file outside the folder of the pipeline` };
      const { size, mode } = statSync(place);
      bytes += size;
      if (bytes > limits.sourceBytes)
        return {
          problem: `with ${path}, its files have ${formatBytes(bytes)}; at most ${formatBytes(limits.sourceBytes)} are allowed. Give data by inputs`,
        };
      files.push({ path, content: readFileSync(place), executable: (mode & 0o100) !== 0 });
    } catch (error) {
      return { problem: `${path} cannot be read: ${explained(error)?.message ?? String(error)}` };
    }
  }
  return { files };
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile() || statSync(path).isFile();
  } catch {
    return false;
  }
}

const storedName = (index: number) => String(index + 1).padStart(6, '0');

const aboutOf = (files: readonly SourceFile[]): TreeAbout => ({
  is: 'folder',
  files: files.map(({ path, executable }, index) => ({
    path,
    file: storedName(index),
    ...(executable ? { executable } : {}),
  })),
});

/** Names files by what is in them, as they will be stored. */
export function codeOf(files: readonly SourceFile[]): Code {
  const entries = files.map(({ content }, index): FileEntry => ({ path: storedName(index), ...digestOf(content) }));
  const { digest } = manifestOf('code', aboutOf(files), entries).ref;
  return { ref: { kind: 'code', digest }, files };
}

/** Stores files for the workers. */
export async function storeCode(store: Store, { files }: Code): Promise<void> {
  const contents = files.map(({ content }, index) => ({ path: storedName(index), content }));
  await writeArtifact(store, { kind: 'code', about: aboutOf(files), files: contents });
}
