import { rootOf } from './folder/root.ts';
import { readIdxSplit } from './idx-split.ts';
import type { RawDataset } from './source.ts';

type File = 'trainImages' | 'trainLabels' | 'testImages' | 'testLabels';

/** A data set whose images and labels are four IDX files. */
export interface IdxDataset {
  readonly name: string;
  /** Names of the classes, in the order of their labels. */
  readonly classes: readonly string[];
  readonly files: Readonly<Record<File, { readonly name: string }>>;
  /** What a file may be called, the likeliest first. */
  readonly spellings: (name: string) => readonly string[];
  /** Finds or fetches the files. @returns their folder */
  readonly find: () => Promise<string>;
}

/**
 * Reads a data set of IDX files.
 *
 * @param path a folder with the four files; where absent, they are found or fetched
 * @throws ContrailError InvalidDataset when a file is missing or unsound
 */
export async function readIdxDataset(
  path: string | undefined,
  { name, classes, files, spellings, find }: IdxDataset,
): Promise<RawDataset> {
  const names = Object.values(files).map((file) => file.name);
  const folder = path === undefined ? await find() : await rootOf(path, `It should hold ${names.join(', ')}.`);
  const read = (images: File, labels: File) =>
    readIdxSplit(
      folder,
      { images: spellings(files[images].name), labels: spellings(files[labels].name) },
      classes.length,
    );
  const train = await read('trainImages', 'trainLabels');
  const test = await read('testImages', 'testLabels');
  return { name, classes, ...(path === undefined ? {} : { root: folder }), train, test };
}
