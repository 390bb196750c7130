import type { Line } from './folder/line.ts';
import type { FoundFile, Rejected } from './folder/walk.ts';

/** Where a file was named, in a table: `products.csv:17`. */
interface Named {
  readonly place?: string;
}

/** What cannot be used. `label`: its class, where that is known and it is none of the account's files. */
export type Unused = Rejected & Named & { readonly label?: number };

/** What became of the files of a folder, or of the rows of a table, before any image was decoded. */
export interface FolderAccount {
  /** What was counted. */
  readonly of: 'files' | 'rows';
  /** Tables that were read, for the list. */
  readonly sources: readonly Line[];
  /** Those in classes: images, and what was rejected after it was opened. */
  readonly files: readonly (FoundFile & Named & { readonly label: number })[];
  readonly rejected: readonly Unused[];
  /** What corrections leave out, and which of them. */
  readonly dropped: readonly Line[];
  /** Files that programs leave behind, by program. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Files in each class. */
  readonly perClass: readonly number[];
  readonly warnings: readonly string[];
}

/** Tells the rows of a table apart, of which several may name one image. */
export const keyOf = ({ path, place = '' }: { readonly path: string } & Named): string => `${place}\n${path}`;

/** Says of images that turned out to be unusable where they were named. */
export function placed(rejected: readonly Unused[], { files }: Pick<FolderAccount, 'files'>): Unused[] {
  const places = new Map(files.map(({ path, place }) => [path, place]));
  return rejected.map((each) => {
    const place = each.place ?? places.get(each.path);
    return place === undefined ? each : { ...each, place };
  });
}

/** What to call something that cannot be used: with the row of a table that names it. */
export const shownName = ({ path, place }: { readonly path: string } & Named): string =>
  place === undefined ? path : `${place} ${path}`;

/** What it is that cannot be used. */
export const nounOf = (rejected: readonly Named[]): 'file' | 'row' =>
  rejected.some(({ place }) => place !== undefined) ? 'row' : 'file';
