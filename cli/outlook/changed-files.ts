import { type CodeRef, treeAboutSchema } from '../../contracts/artifacts.ts';
import { digestOf, readAbout, readArtifact, type Store, unlessDamaged } from '../../store/index.ts';
import type { OwnCode } from '../own-code.ts';

/** SHA-256 of each of the user's own files that a step runs, by path; null where they are no longer known. */
export type CodeReader = (ref: CodeRef) => Promise<ReadonlyMap<string, string> | null>;

/** Reads files from beside the pipeline, and those of earlier runs from the store. */
export const codeReader =
  (store: Store, own: OwnCode): CodeReader =>
  async (ref) => {
    const code = own.codeOf(ref);
    if (code) return new Map(code.files.map(({ path, content }) => [path, digestOf(content).sha256]));
    const stored = await unlessDamaged(
      Promise.all([readArtifact(store, ref), readAbout(store, ref, treeAboutSchema)]),
      () => {},
    );
    if (!stored) return null;
    const [{ files }, about] = stored;
    const digests = new Map(files.map(({ path, sha256 }) => [path, sha256]));
    return new Map(about.files.map(({ path, file }) => [path, digests.get(file) ?? '']));
  };

/** What became of the files that a step runs, a few words each: `clean.py changed`. */
export async function changedFiles(
  before: CodeRef | undefined,
  now: CodeRef | undefined,
  read: CodeReader,
): Promise<readonly string[]> {
  if (before?.digest === now?.digest) return [];
  const [old, current] = [before ? await read(before) : new Map(), now ? await read(now) : new Map()];
  if (!old || !current) return ['its files changed'];
  const paths = [...new Set([...old.keys(), ...current.keys()])].sort();
  const changes = paths.flatMap((path) => {
    if (old.get(path) === current.get(path)) return [];
    return [`${path} ${!old.has(path) ? 'is new' : !current.has(path) ? 'is gone' : 'changed'}`];
  });
  // Else only whether a file can be executed is another.
  return changes.length > 0 ? changes : ['its files changed'];
}
