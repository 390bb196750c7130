import { ContrailError } from '../contracts/errors.ts';
import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { readList } from './folder/list.ts';
import { rootOf } from './folder/root.ts';
import { scanFolder } from './folder/scan.ts';
import { type FoundFile, openTree } from './folder/walk.ts';
import { filesOfTable } from './table/files.ts';
import { findRelabels } from './table/relabels.ts';

/** How a folder, or what a table names, differs from what a list of it says, by names, sizes and times; no file is opened. */
export interface FolderChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** What data was prepared from. */
export type Origin = Pick<PrepareDataParameters, 'dataset' | 'columns' | 'allowUrls' | 'relabels'> & {
  readonly path: string;
};

/**
 * Compares a folder, or a table and the images that it names, with the list that was made when it was prepared.
 *
 * @throws ContrailError InvalidDataset where it cannot be read here
 */
export async function changesSince(origin: Origin, list: string): Promise<FolderChanges> {
  const before = readList(list);
  const files = await (origin.dataset === 'table' ? filesOfTable(origin, before) : filesOfFolder(origin));
  const now = new Map(files.map((file) => [file.path, file]));
  const names = [...now.keys()];
  return {
    added: names.filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !now.has(name)),
    changed: names.filter((name) => {
      const [old, file] = [before.get(name), now.get(name)];
      return old !== undefined && (old.bytes !== file?.bytes || old.modified !== file.modified);
    }),
  };
}

async function filesOfFolder({ dataset, path, relabels }: Origin): Promise<readonly FoundFile[]> {
  const files = await filesOf(dataset, await rootOf(path));
  return relabels === undefined ? files : [...files, await findRelabels(relabels)];
}

/** The files that a data set is read from: of a folder of images those in classes, else those in the folder. */
export async function filesOf(dataset: PrepareDataParameters['dataset'], root: string): Promise<readonly FoundFile[]> {
  if (dataset === 'image-folder') return Object.values((await scanFolder(root)).splits).flat();
  const tree = openTree(root);
  const files: FoundFile[] = [];
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop())
    for (const entry of await tree.list(folder)) {
      if (entry.is === 'file') files.push(entry);
      // CIFAR-10's folder may be one deeper.
      else if (entry.is === 'folder' && folder === '') open.push(entry.path);
      if (files.length > mostFiles)
        throw new ContrailError(
          'InvalidDataset',
          `${root} has more than ${mostFiles} files, so it holds more than a data set.`,
        );
    }
  return files;
}

const mostFiles = 10_000;
