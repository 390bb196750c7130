/** What the bytes of an image mean: [height, width, channels]. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** Uniform numbers from 0 below 1, by a counter: the same for the same counter. */
export type Draw = (counter: number) => number;

/**
 * Spoils one image, and gives it anew. Nothing else decides the result than the image and what it draws, so the same bytes
 * come out on every machine.
 */
export type Spoil = (image: Uint8Array, shape: ImageShape, draw: Draw) => Uint8Array | Promise<Uint8Array>;

/** A corruption: what a severity does, 1 the mildest to 5. */
export type Corruption = (severity: number) => Spoil;

/** The constant of a severity. */
export function constantOf(constants: readonly [number, number, number, number, number], severity: number): number {
  const constant = constants[severity - 1];
  if (constant === undefined) throw new RangeError(`severity ${severity} is not 1 to ${constants.length}`);
  return constant;
}

/** Rounds to the nearest of 0 to 255. */
export const toByte = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : Math.floor(value + 0.5));
