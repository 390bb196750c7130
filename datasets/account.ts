import type { FoundFile, Rejected } from './folder/walk.ts';

/** What became of the files of a folder before any was decoded. */
export interface FolderAccount {
  /** Those in classes: images, and what was rejected after it was opened. */
  readonly files: readonly (FoundFile & { readonly label: number })[];
  readonly rejected: readonly Rejected[];
  /** Files that programs leave behind, by program. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Files in each class. */
  readonly perClass: readonly number[];
  readonly warnings: readonly string[];
}
