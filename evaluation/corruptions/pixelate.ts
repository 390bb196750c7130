import { type Corruption, constantOf, toByte } from './image.ts';

/** What is left of the side, as in CIFAR-10-C. */
const kept = [0.95, 0.9, 0.85, 0.75, 0.65] as const;

/** Shrinks an image, each pixel the mean of those whose middle it covers, and enlarges it again by repeating pixels. */
export const pixelate: Corruption = (severity) => {
  const share = constantOf(kept, severity);
  return (image, { height, width, channels }) => {
    const rows = bins(height, Math.floor(height * share));
    const columns = bins(width, Math.floor(width * share));
    const narrow = shrunk(image, columns, { outer: height, length: width, inner: channels });
    const small = shrunk(narrow, rows, { outer: 1, length: height, inner: columns.length * channels });
    const result = new Uint8Array(image.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const row = Math.floor(((y + 0.5) * rows.length) / height);
        const column = Math.floor(((x + 0.5) * columns.length) / width);
        const from = (row * columns.length + column) * channels;
        result.set(small.subarray(from, from + channels), (y * width + x) * channels);
      }
    return result;
  };
};

/** For each of the fewer pixels of a line, the first pixel that it covers and the one after the last. */
function bins(length: number, fewer: number): { readonly from: number; readonly to: number }[] {
  const count = Math.max(1, fewer);
  const edge = (at: number) => Math.ceil((at * length) / count - 0.5);
  return Array.from({ length: count }, (_, at) => ({ from: edge(at), to: edge(at + 1) }));
}

function shrunk(
  values: Uint8Array,
  covered: ReturnType<typeof bins>,
  { outer, length, inner }: { readonly outer: number; readonly length: number; readonly inner: number },
): Uint8Array {
  const result = new Uint8Array(outer * covered.length * inner);
  for (let line = 0; line < outer; line++)
    covered.forEach(({ from, to }, which) => {
      for (let part = 0; part < inner; part++) {
        let sum = 0;
        for (let at = from; at < to; at++) sum += values[(line * length + at) * inner + part] as number;
        result[(line * covered.length + which) * inner + part] = toByte(sum / (to - from));
      }
    });
  return result;
}
