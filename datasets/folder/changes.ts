import { ContrailError } from '../../contracts/errors.ts';
import type { PrepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { readList } from './list.ts';
import { rootOf } from './root.ts';
import { scanFolder } from './scan.ts';
import { type FoundFile, openTree } from './walk.ts';

/** How a folder differs from what a list of it says, by names, sizes and times; no file is opened. */
export interface FolderChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/**
 * Compares a folder with the list that was made when it was prepared.
 *
 * @throws ContrailError InvalidDataset where the folder cannot be read here
 */
export async function changesSince(
  { dataset, path }: Pick<PrepareDataParameters, 'dataset'> & { readonly path: string },
  list: string,
): Promise<FolderChanges> {
  const before = readList(list);
  const now = new Map((await filesOf(dataset, await rootOf(path))).map((file) => [file.path, file]));
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
