import { createHash } from 'node:crypto';
import { type Content, missingFile, type Store } from '../store/index.ts';

export interface MemoryStore extends Store {
  /** All that is in it, as one text that is another one where anything is. */
  readonly contents: () => string;
  readonly copy: () => MemoryStore;
}

/** A store in memory, for tests that write thousands of small files. */
export function memoryStore(before: Iterable<readonly [string, Uint8Array]> = []): MemoryStore {
  const files = new Map<string, Uint8Array>(before);
  const whole = async (content: Content | AsyncIterable<Uint8Array>) => {
    if (content instanceof Uint8Array) return content;
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(piece);
    return new Uint8Array(Buffer.concat(pieces));
  };
  return {
    url: 'memory:',
    read: async (path) => {
      const bytes = files.get(path);
      if (!bytes) throw missingFile(path);
      return bytes;
    },
    readRange: async (path, from, to) => {
      const bytes = files.get(path);
      if (!bytes) throw missingFile(path);
      return { content: bytes.subarray(from, to), fileBytes: bytes.length };
    },
    exists: async (path) => files.has(path),
    writtenAs: async () => null,
    list: async (folder) =>
      [...files]
        .filter(([path]) => path.startsWith(`${folder}/`))
        .map(([path, bytes]) => ({ path, bytes: bytes.length, modifiedMs: Date.now() }))
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
    everything: async () => [...files].map(([path, bytes]) => ({ path, bytes: bytes.length, modifiedMs: Date.now() })),
    folders: async (folder) =>
      [...new Set([...files.keys()].filter((path) => path.startsWith(`${folder}/`)))]
        .map((path) => path.slice(folder.length + 1).split('/'))
        .flatMap(([name = '', ...below]) => (below.length > 0 ? [name] : []))
        .filter((name, index, names) => names.indexOf(name) === index)
        .sort(),
    write: async (path, content) => void files.set(path, await whole(content)),
    writeExclusive: async (path, content) => !files.has(path) && files.set(path, content) !== undefined,
    stage: async (content) => {
      const bytes = await whole(content);
      return {
        read: async () => bytes,
        publish: async (path) => void files.set(path, bytes),
        discard: async () => {},
      };
    },
    remove: async (path) => void files.delete(path),
    sweep: async () => 0,
    localFile: async (path) => {
      throw missingFile(path);
    },
    locate: (path) => `memory:${path}`,
    ready: async () => {},
    contents: () =>
      [...files]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([path, bytes]) => `${path} ${digestOnce(bytes)}`)
        .join('\n'),
    copy: () => memoryStore(files),
  };
}

const digests = new WeakMap<Uint8Array, string>();
/** Nobody changes the bytes of a file that is written. */
function digestOnce(bytes: Uint8Array): string {
  const digest = digests.get(bytes) ?? createHash('sha256').update(bytes).digest('base64');
  digests.set(bytes, digest);
  return digest;
}
