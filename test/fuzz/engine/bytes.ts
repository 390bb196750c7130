import type { Random } from './random.ts';

/** Numbers at which programs go wrong: limits of types, of lengths, and their neighbours. */
const numbers: readonly bigint[] = [
  ...[0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1000, 1023, 1024, 4095, 4096],
  ...[32_767, 32_768, 65_535, 65_536, 1_000_000, 16_777_215, 16_777_216, 2 ** 30, 2 ** 31 - 1, 2 ** 31],
  ...[2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 53 - 1, 2 ** 53],
].map(BigInt);
const widest = [2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

type Change = (input: Buffer, random: Random, other: Uint8Array) => Buffer;

/** A place in an input, more often near its beginning, where formats have their headers. */
const placeIn = ({ length }: Uint8Array, random: Random): number =>
  random.oneIn(2) ? random.below(Math.min(length, 64) + 1) : random.below(length + 1);

const partOf = (bytes: Uint8Array, random: Random): readonly [number, number] => {
  const from = random.below(bytes.length + 1);
  const most = random.oneIn(4) ? bytes.length - from : Math.min(bytes.length - from, 16);
  return [from, from + random.below(most + 1)];
};

const changed = (input: Buffer, change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(input);
  if (copy.length > 0) change(copy);
  return copy;
};

const replaced = (input: Buffer, from: number, to: number, by: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, from), by, input.subarray(to)]);

/** A whole number in the place of one, of 1 to 8 bytes in either order. */
const setNumber: Change = (input, random) =>
  changed(input, (copy) => {
    const width = random.pick([1, 2, 4, 4, 8, 8]);
    const at = Math.min(placeIn(copy, random), copy.length - 1);
    const isLittle = random.oneIn(2);
    const value = random.oneIn(8) ? random.pick(widest) : random.pick(numbers);
    for (let byte = 0; byte < width && at + byte < copy.length; byte++) {
      const shift = BigInt(8 * (isLittle ? byte : width - 1 - byte));
      copy[at + byte] = Number((value >> shift) & 255n);
    }
  });

/** A number that is there, a little more or less. */
const addToNumber: Change = (input, random) =>
  changed(input, (copy) => {
    const at = Math.min(placeIn(copy, random), copy.length - 1);
    copy[at] = (copy[at] as number) + random.below(33) - 16;
  });

const changes: readonly Change[] = [
  (input, random) =>
    changed(input, (copy) => {
      const at = random.below(copy.length);
      copy[at] = (copy[at] as number) ^ (1 << random.below(8));
    }),
  (input, random) =>
    changed(input, (copy) => {
      copy[Math.min(placeIn(copy, random), copy.length - 1)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    }),
  setNumber,
  setNumber,
  addToNumber,
  (input, random) => input.subarray(0, placeIn(input, random)),
  (input, random) => {
    const [from, to] = partOf(input, random);
    return replaced(input, from, to, Buffer.alloc(0));
  },
  (input, random) => {
    const [from, to] = partOf(input, random);
    const times = random.oneIn(8) ? random.below(1000) : random.below(4);
    const part = input.subarray(from, to);
    return replaced(input, to, to, Buffer.concat(new Array<Buffer>(times).fill(part)).subarray(0, 2 ** 16));
  },
  (input, random, other) => {
    const [from, to] = partOf(other, random);
    const at = placeIn(input, random);
    return replaced(input, at, random.oneIn(2) ? at : Math.min(input.length, at + to - from), other.subarray(from, to));
  },
  (input, random) => {
    const at = placeIn(input, random);
    return replaced(input, at, at, Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256))));
  },
];

/**
 * An input with one change of its bytes: bits, whole numbers, parts that are cut off, repeated, taken out, or taken from another input.
 *
 * @param tokens words of the format, which are put in or over what is there
 */
export function changeBytes(
  input: Uint8Array,
  random: Random,
  other: Uint8Array,
  tokens: readonly string[] = [],
): Uint8Array {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (tokens.length > 0 && random.oneIn(6)) {
    const word = Buffer.from(random.pick(tokens), 'latin1');
    const at = placeIn(bytes, random);
    return replaced(bytes, at, random.oneIn(2) ? at : Math.min(bytes.length, at + word.length), word);
  }
  return random.pick(changes)(bytes, random, other);
}
