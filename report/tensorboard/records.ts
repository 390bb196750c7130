import { crc32c } from './crc32c.ts';

/**
 * Frames records as TensorFlow's record files do: length (uint64), checksum of the length, the record, checksum of the
 * record; all little-endian.
 */
export function encodeRecords(records: readonly Uint8Array[]): Uint8Array[] {
  return records.flatMap((record) => {
    const head = new DataView(new ArrayBuffer(12));
    head.setBigUint64(0, BigInt(record.byteLength), true);
    head.setUint32(8, masked(new Uint8Array(head.buffer, 0, 8)), true);
    const tail = new DataView(new ArrayBuffer(4));
    tail.setUint32(0, masked(record), true);
    return [new Uint8Array(head.buffer), record, new Uint8Array(tail.buffer)];
  });
}

/** A checksum of bytes that hold checksums is no good, so the format rotates it and adds a constant. */
function masked(bytes: Uint8Array): number {
  const value = crc32c(bytes);
  return (((value >>> 15) | (value << 17)) + 0xa282ead8) >>> 0;
}
