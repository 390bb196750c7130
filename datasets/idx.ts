import { ContrailError } from '../contracts/errors.ts';

/** A file in the IDX format: big-endian magic and sizes, then bytes. */
export interface IdxFile {
  readonly sizes: readonly number[];
  readonly data: Uint8Array;
}

/**
 * Decodes an IDX file of unsigned bytes.
 *
 * @param dimensions how many it must have: 3 for images, 1 for labels
 * @throws ContrailError InvalidDataset
 */
export function decodeIdx(bytes: Uint8Array, dimensions: number, name: string): IdxFile {
  const invalid = (what: string) =>
    new ContrailError('InvalidDataset', `${name} is not an IDX file of ${dimensions} dimensions: ${what}.`);
  const header = 4 + 4 * dimensions;
  if (bytes.length < header) throw invalid(`it has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  if (magic !== 0x0800 + dimensions)
    throw invalid(`it begins with 0x${magic.toString(16)} instead of 0x${(0x0800 + dimensions).toString(16)}`);
  const sizes = Array.from({ length: dimensions }, (_, index) => view.getUint32(4 + 4 * index));
  const expected = sizes.reduce((a, b) => a * b, 1);
  if (bytes.length - header !== expected)
    throw invalid(`${sizes.join(' x ')} would be ${expected} bytes, and it has ${bytes.length - header}`);
  return { sizes, data: bytes.subarray(header) };
}
