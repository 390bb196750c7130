/** A NumPy file: version 1.0, little-endian, row-major. */
export function encodeNpy(
  dtype: '|u1' | '<i4' | '<f4',
  shape: readonly number[],
  values: Uint8Array | Int32Array | Float32Array,
): Buffer {
  const about = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = `${about.padEnd(Math.ceil((about.length + 11) / 64) * 64 - 11)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    length,
    Buffer.from(padded, 'latin1'),
    Buffer.from(values.buffer, values.byteOffset, values.byteLength),
  ]);
}
