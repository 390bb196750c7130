/** The side of the square that is hashed. */
export const hashedSide = 32;
const frequencies = 8;
/** The spread of the hashed frequencies, in grey levels, below which an image is blank: a scan's noise has more. */
const leastSpread = 0.5;

/** Of one image: 64 bits in two words, or null for an image of one colour. */
export type PerceptualHash = readonly [number, number] | null;

/** The rows 1 to 8 of the orthonormal discrete cosine transform (DCT-II) of `hashedSide` values. */
const basis = Float64Array.from({ length: frequencies * hashedSide }, (_, at) => {
  const [frequency, place] = [1 + Math.floor(at / hashedSide), at % hashedSide];
  return Math.sqrt(2 / hashedSide) * Math.cos((Math.PI * frequency * (2 * place + 1)) / (2 * hashedSide));
});

/**
 * The perceptual hash of an image (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010): which
 * of the 64 coefficients of its lowest frequencies in both directions, without the constant ones, are above their median.
 * Size, compression, brightness and contrast hardly change it.
 *
 * @param square grey levels or colours [32, 32, channels]
 */
export function perceptualHash(square: ArrayLike<number>, channels: number): PerceptualHash {
  const grey = greyOf(square, channels);
  const half = new Float64Array(frequencies * hashedSide);
  for (let vertical = 0; vertical < frequencies; vertical++)
    for (let y = 0; y < hashedSide; y++) {
      const weight = basis[vertical * hashedSide + y] as number;
      for (let x = 0; x < hashedSide; x++)
        half[vertical * hashedSide + x] =
          (half[vertical * hashedSide + x] as number) + weight * (grey[y * hashedSide + x] as number);
    }
  const coefficients = new Float64Array(frequencies ** 2);
  let power = 0;
  for (let at = 0; at < coefficients.length; at++) {
    const [vertical, horizontal] = [Math.floor(at / frequencies), at % frequencies];
    let sum = 0;
    for (let x = 0; x < hashedSide; x++)
      sum += (basis[horizontal * hashedSide + x] as number) * (half[vertical * hashedSide + x] as number);
    coefficients[at] = sum;
    power += sum * sum;
  }
  if (Math.sqrt(power) / hashedSide < leastSpread) return null;
  const sorted = coefficients.toSorted();
  const median = ((sorted[31] as number) + (sorted[32] as number)) / 2;
  const word = (from: number) =>
    coefficients
      .subarray(from, from + 32)
      .reduce((bits, value, bit) => (value > median ? bits | (1 << bit) : bits), 0) >>> 0;
  return [word(0), word(32)];
}

function greyOf(square: ArrayLike<number>, channels: number): ArrayLike<number> {
  if (channels === 1) return square;
  return Float32Array.from({ length: hashedSide ** 2 }, (_, at) => {
    const [red, green, blue] = [square[3 * at], square[3 * at + 1], square[3 * at + 2]] as [number, number, number];
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
}

/** In how many bits two words differ. */
export function bitsBetween(a: number, b: number): number {
  let bits = a ^ b;
  bits -= (bits >>> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
