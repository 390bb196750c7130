import type { DataSummary } from '../contracts/kinds/prepare-data.ts';
import type { RejectedPicture } from '../contracts/rejected-pictures.ts';
import type { FolderAccount } from './account.ts';
import type { RowFacts } from './row-facts.ts';

/** One image as read: bytes [height, width, channels], and its class. */
export interface RawImage {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly label: number;
}

/** A set of images, before it is cut to size and split. */
export interface RawSplit {
  readonly count: number;
  readonly labels: Int32Array;
  /** SHA-256 of what each image is read from, bytes [count, 32]. */
  readonly digests: Uint8Array;
  /** Reads an image, or says why it cannot be used. */
  readonly read: (index: number) => Promise<RawImage | { readonly rejected: string }>;
  /** What to call an image in a message: its file, or its place in one. */
  readonly nameOf: (index: number) => string;
  /** What is known of an image besides its name and class; there where the name is a person's own, and kept with the image. */
  readonly factsOf?: (index: number) => Omit<RowFacts, 'name'>;
}

/** A train set and, where there are any, validation and test sets. */
export interface Splits<T> {
  readonly train: T;
  readonly validation?: T;
  readonly test?: T;
}

/** The same of each split; one that is not there stays so. */
export const eachSplit = <A, B>(
  {
    train,
    validation,
    test,
  }: { readonly train: A; readonly validation?: A | undefined; readonly test?: A | undefined },
  of: (split: A) => B,
): Splits<B> => ({
  train: of(train),
  ...(validation ? { validation: of(validation) } : {}),
  ...(test ? { test: of(test) } : {}),
});

/** What an adapter finds: images in the train and, where the source has them, test and validation sets. */
export interface RawDataset extends Splits<RawSplit> {
  readonly name: string;
  readonly classes: readonly string[];
  /** What images have labels of besides their class; their facts hold them. */
  readonly labels?: readonly string[];
  /** The folder that it was read from. */
  readonly root?: string;
  /** The table that it was read from. */
  readonly table?: NonNullable<DataSummary['table']>;
  /** The corrections that were applied. */
  readonly relabels?: NonNullable<DataSummary['relabels']>;
  /** Of a folder or table of images: what was found in it. */
  readonly account?: FolderAccount;
}

export interface ProgressOfPreparation {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** Options that the adapters share. */
export interface PreparationOptions {
  /** Downloaded data sets are kept here. */
  readonly cacheFolder: string;
  /** The most bytes of images in one file of the prepared data set; part of what decides its digest. @default 64 MiB */
  readonly shardBytes?: number;
  /** Bytes of images that a preparation which is killed has to make again, at most. @default 16 MiB */
  readonly pieceBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ProgressOfPreparation) => void;
  readonly log?: (line: string) => void;
  /** Keeps the list of what became of every file. @returns where a person finds it */
  readonly keepList?: (lines: Iterable<Uint8Array>) => Promise<string>;
  /** Keeps what rejected files show, for the page of the run. */
  readonly keepPictures?: (pictures: readonly RejectedPicture[]) => Promise<void>;
}
