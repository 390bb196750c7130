import type { RejectedName } from '../../contracts/embedding.ts';
import type { PreparationOptions } from '../source.ts';

/** An image that was found and opened once, but not decoded. */
export interface ListedImage {
  /** Its path in the folder, or what the table calls it. */
  readonly name: string;
  /** Where it can be read on this machine. */
  readonly at: string;
  readonly bytes: number;
  /** It was fetched into the cache of this machine. */
  readonly fetched?: boolean;
  /** SHA-256 of the file, in hexadecimal. */
  readonly source: string;
  readonly label?: string;
  readonly group?: string;
  readonly category?: string;
}

/** What is in a folder or table. Every file or row is an image, rejected, or ignored: `found` is the sum. */
export interface ImageListing {
  /** Of the folder or table, without its path. */
  readonly name: string;
  /** The folder that the images lie in, links resolved. */
  readonly root: string;
  /** By the bytes of their names. */
  readonly images: readonly ListedImage[];
  readonly rejected: readonly RejectedName[];
  /** Files that programs leave behind. */
  readonly ignored: number;
  readonly found: number;
  /** Where classes come from. */
  readonly labels: 'folder' | 'table' | 'none';
}

export type ListingOptions = Pick<PreparationOptions, 'cacheFolder' | 'signal' | 'onProgress'> & {
  /** The most files that may be unusable. @default any number */
  readonly maximumRejected?: number | undefined;
};
