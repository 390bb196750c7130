/** To a thread: images to decode. Files stay open until the answer is there. */
export interface DecodeRequest {
  readonly id: number;
  readonly images: readonly StoredImage[];
  /** The side and channels that their pixels are wanted in. */
  readonly side: number;
  readonly channels: 1 | 3;
}

/** Where an image is: a part of an open file. */
export interface StoredImage {
  readonly fd: number;
  readonly position: number;
  readonly bytes: number;
}

/** From a thread: pixels [images, side, side, channels], or which image could not be decoded and why. */
export type DecodeAnswer =
  | { readonly id: number; readonly pixels: Uint8Array }
  | { readonly id: number; readonly failed: number; readonly why: string };
