import { bytesOf, type StoredTensor } from './safetensors.ts';

/** Contents one after the other, U8 [bytes], and where each ends, `ends` I32 [count]. */
export function joined(name: string, contents: readonly Uint8Array[]): readonly StoredTensor[] {
  let end = 0;
  const ends = Int32Array.from(contents, ({ length }) => (end += length));
  return [
    { name, dtype: 'U8', shape: [end], data: Buffer.concat(contents) },
    { name: 'ends', dtype: 'I32', shape: [contents.length], data: bytesOf(ends) },
  ];
}
