import type { RowFacts } from './row-facts.ts';

/** An image in the form of its data set. */
export interface PreparedImage {
  /** Bytes [side, side, channels]; of an encoded image those that it shows. */
  readonly pixels: Uint8Array;
  readonly channels: 1 | 3;
  /** The image as a file, where the data set keeps files. */
  readonly encoded: Uint8Array | null;
  readonly label: number;
  /** What to call it in a message. */
  readonly name: string;
  /** What is known of it besides its class, where the source knows its images by name. */
  readonly facts: RowFacts | null;
  /** SHA-256 of what it was read from, and of its pixels in three channels. */
  readonly digests: { readonly source: Uint8Array; readonly pixels: Uint8Array };
}

/** A file that cannot be used, and why. */
export interface RejectedImage {
  readonly path: string;
  readonly reason: string;
}
