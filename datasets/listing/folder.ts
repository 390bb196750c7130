import { basename, join, sep } from 'node:path';
import type { ImagesToEmbed } from '../../contracts/kinds/embed-images.ts';
import { sortByBytes } from '../folder/class-names.ts';
import { inspectFiles } from '../folder/inspect.ts';
import { splitOf } from '../folder/layout.ts';
import { rootOf } from '../folder/root.ts';
import { type FoundFile, openTree, type Rejected } from '../folder/walk.ts';
import type { ImageListing, ListedImage, ListingOptions } from './listing.ts';

const layoutShown = 'A folder of images may have any layout: every image in it, and in the folders in it, is taken.';

/** Lists every image below a folder. */
export async function listFolder(
  { path, labels: wanted }: ImagesToEmbed,
  options: ListingOptions,
): Promise<ImageListing> {
  const root = await rootOf(path, layoutShown);
  const { files, rejected, ignored } = await everyFile(root, options.signal);
  const inspected = await inspectFiles(root, files, options);
  const classes = wanted === 'none' ? null : classesByFolder(files, wanted === 'folder');
  const images: ListedImage[] = [];
  for (const [at, outcome] of inspected.entries()) {
    const file = files[at] as FoundFile;
    if ('reason' in outcome) rejected.push(outcome);
    else {
      const label = classes?.get(file.path);
      images.push({
        name: file.path,
        at: join(root, file.path),
        bytes: file.bytes,
        source: Buffer.from(outcome.digest).toString('hex'),
        ...(label === undefined ? {} : { label }),
      });
    }
  }
  return {
    name: basename(root) || 'folder',
    root,
    images,
    rejected: rejected.map(({ path: name, reason }) => ({ name, reason })),
    ignored,
    found: images.length + rejected.length + ignored,
    labels: classes ? 'folder' : 'none',
  };
}

/** Walks through a folder, each folder of it once, however many links lead to it. */
async function everyFile(root: string, signal: AbortSignal | undefined) {
  const tree = openTree(root, signal);
  const files: FoundFile[] = [];
  const rejected: Rejected[] = [];
  let ignored = 0;
  const seen = new Set([root]);
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop())
    for (const entry of await tree.list(folder)) {
      const { path } = entry;
      if (entry.is === 'file') files.push({ path, bytes: entry.bytes, modified: entry.modified });
      else if (entry.is === 'dropping') ignored += entry.files;
      else if (entry.is === 'unusable') rejected.push({ path, reason: entry.reason });
      else if (entry.is === 'hidden folder')
        rejected.push({ path, reason: 'is a hidden folder, as its name begins with a dot: rename or remove it' });
      else if (seen.has(entry.real)) rejected.push({ path, reason: 'is a link to a folder that is read already' });
      else {
        seen.add(entry.real);
        open.push(path);
      }
    }
  return { files: sortByBytes(files, ({ path }) => path), rejected, ignored };
}

/**
 * The class of each file: the folder that it lies in, of those at the top, or below train, validation and test where all lie
 * there.
 *
 * @param asked files without such a folder have no class; else one of them, or a single class, means that there are none
 * @returns null where folders are no classes
 */
function classesByFolder(files: readonly FoundFile[], asked: boolean): ReadonlyMap<string, string> | null {
  const parts = files.map(({ path }) => path.normalize('NFC').split(sep));
  const inSplits = parts.length > 0 && parts.every(([top = '', ...below]) => below.length > 0 && splitOf(top) !== null);
  const classes = new Map<string, string>();
  for (const [at, own] of parts.entries()) {
    const [name, ...below] = inSplits ? own.slice(1) : own;
    if (name !== undefined && below.length > 0) classes.set((files[at] as FoundFile).path, name);
  }
  if (asked) return classes;
  return classes.size === files.length && new Set(classes.values()).size > 1 ? classes : null;
}
