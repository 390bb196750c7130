/**
 * Whether a JPEG has four colours and no word of Adobe's on whether they are inverted. Both readings are in use, and one
 * turns the picture black.
 *
 * @param head the beginning of the file, with its markers
 */
export function isAmbiguousCmyk(head: Uint8Array): boolean {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  let hasAdobe = false;
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return false;
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === startOfScan) return false;
    if (marker === adobe && bytes.subarray(at + 4, at + 9).toString('latin1') === 'Adobe') hasAdobe = true;
    if (isFrame(marker)) return bytes[at + 9] === 4 && !hasAdobe;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return false;
}

const startOfScan = 0xda;
const adobe = 0xee;
/** SOF0 to SOF15, without the tables that share their range. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
