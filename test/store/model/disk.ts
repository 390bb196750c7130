import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';

type FileSystem = typeof import('node:fs/promises');

interface FileNode {
  readonly kind: 'file';
  bytes: Buffer;
  /** So many of its bytes are on the disk for certain. */
  synced: number;
}

interface FolderNode {
  readonly kind: 'folder';
  /** What was done to its names, the first first. */
  readonly changes: Change[];
  /** So many of these are on the disk for certain. */
  synced: number;
}

type Node = FileNode | FolderNode;
type Change = { readonly name: string; readonly node: Node | null } | { readonly from: string; readonly to: string };

/**
 * A disk that a machine loses power over. It sees what a process does with its files below a folder, and knows what a crash may leave:
 * bytes of a file that were not synced are there, half there, or not; of what was done to the names in a folder since that was synced, the
 * first so many are there, in each folder another number. That is more than any usual file system loses.
 */
export interface Disk {
  /** What the process uses in the place of `node:fs/promises`. */
  readonly fileSystem: FileSystem;
  /** Every content of the folder, by path, that a crash may leave now. */
  readonly crashed: () => Iterable<ReadonlyMap<string, Uint8Array>>;
}

/** What is done to a disk. */
export type Deed = 'create' | 'write' | 'sync' | 'rename' | 'link' | 'remove' | 'make folder';

export interface DiskOptions {
  /** Called after each thing that was done. */
  readonly onChange: () => void;
  /** Whether a sync does anything. @default it does */
  readonly isSynced?: boolean;
  /** Whatever is done waits for it, and fails as it does. */
  readonly before?: (what: Deed, path: string) => Promise<void>;
}

/** @param folder an empty one, which is durable itself */
export function watchedDisk(
  actual: FileSystem,
  folder: string,
  { onChange, isSynced = true, before = async () => {} }: DiskOptions,
): Disk {
  const root: FolderNode = { kind: 'folder', changes: [], synced: 0 };
  const isBelow = (path: string) => path === folder || path.startsWith(`${folder}/`);

  const at = (path: string): Node | null => {
    let node: Node | null = root;
    for (const name of relative(folder, path)
      .split('/')
      .filter((each) => each !== ''))
      node = node?.kind === 'folder' ? (namesOf(node, node.changes.length).get(name) ?? null) : null;
    return node;
  };
  const folderOf = (path: string): FolderNode => {
    const node = at(dirname(path));
    if (node?.kind !== 'folder') throw new Error(`${path} is in no folder that was seen`);
    return node;
  };
  const change = (path: string, node: Node | null) => {
    folderOf(path).changes.push({ name: basename(path), node });
    onChange();
  };
  const sync = (node: Node | null) => {
    if (node && isSynced) node.synced = node.kind === 'file' ? node.bytes.length : node.changes.length;
    onChange();
  };
  const append = (node: Node | null, content: string | Uint8Array) => {
    if (node?.kind !== 'file') throw new Error('it is no file');
    node.bytes = Buffer.concat([node.bytes, Buffer.from(content)]);
    onChange();
  };

  const watched = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get: (target, property) => {
        if (property === 'writeFile')
          return async (content: string | Uint8Array) => {
            await before('write', path);
            await target.writeFile(content);
            append(at(path), content);
          };
        if (property === 'sync')
          return async () => {
            await before('sync', path);
            await target.sync();
            sync(at(path));
          };
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

  const open = async (path: string, flags: string) => {
    if (isBelow(path) && flags === 'wx') await before('create', path);
    const handle = await actual.open(path, flags);
    if (!isBelow(path)) return handle;
    if (flags === 'wx') change(path, { kind: 'file', bytes: Buffer.alloc(0), synced: 0 });
    else if (!flags.startsWith('r')) throw new Error(`nobody has taught the disk what opening with ${flags} does`);
    return watched(handle, path);
  };
  const rename = async (from: string, to: string) => {
    await before('rename', to);
    await actual.rename(from, to);
    const node = at(from);
    if (folderOf(from) === folderOf(to)) {
      folderOf(to).changes.push({ from: basename(from), to: basename(to) });
      onChange();
    } else {
      change(to, node);
      change(from, null);
    }
  };
  const link = async (from: string, to: string) => {
    await before('link', to);
    await actual.link(from, to);
    change(to, at(from));
  };
  const gone =
    (remove: (path: string, options?: object) => Promise<void>) => async (path: string, options?: object) => {
      const was = isBelow(path) && at(path) !== null;
      if (was) await before('remove', path);
      await remove(path, options);
      if (was) change(path, null);
    };
  const mkdir = async (path: string, options?: { readonly recursive?: boolean }) => {
    if (isBelow(path) && at(path) === null) await before('make folder', path);
    const first = await actual.mkdir(path, options);
    const made: string[] = [];
    for (let each = path; isBelow(each) && at(each) === null; each = dirname(each)) made.unshift(each);
    for (const each of made) change(each, { kind: 'folder', changes: [], synced: 0 });
    return first;
  };
  return {
    // The store uses no other forms of these.
    fileSystem: { ...actual, open, rename, link, rm: gone(actual.rm), rmdir: gone(actual.rmdir), mkdir } as FileSystem,
    crashed: () => contentsOf(root, ''),
  };
}

/** What the first so many changes to a folder make of it. */
function namesOf({ changes }: FolderNode, count: number): Map<string, Node> {
  const names = new Map<string, Node>();
  for (const change of changes.slice(0, count)) {
    if ('to' in change) {
      const node = names.get(change.from);
      names.delete(change.from);
      if (node) names.set(change.to, node);
    } else if (change.node) names.set(change.name, change.node);
    else names.delete(change.name);
  }
  return names;
}

function* contentsOf(node: Node, path: string): Generator<Map<string, Uint8Array>> {
  if (node.kind === 'file') {
    const { synced, bytes } = node;
    const lengths = new Set([synced, Math.floor((synced + bytes.length) / 2), bytes.length]);
    for (const length of lengths) yield new Map([[path, bytes.subarray(0, length)]]);
    return;
  }
  for (let count = node.synced; count <= node.changes.length; count++) {
    const below = [...namesOf(node, count)].map(
      ([name, each]) => [each, path === '' ? name : `${path}/${name}`] as const,
    );
    yield* together(below);
  }
}

function* together(parts: readonly (readonly [Node, string])[]): Generator<Map<string, Uint8Array>> {
  const [first, ...others] = parts;
  if (!first) return void (yield new Map());
  for (const one of contentsOf(...first)) for (const rest of together(others)) yield new Map([...one, ...rest]);
}
