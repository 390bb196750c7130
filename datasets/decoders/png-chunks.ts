/** Chunks that hold no pixels and may be many: of an ordinary file a dozen. Each costs the decoder a little, however small it is. */
const mostChunks = 100;
/** Of chunks that are compressed, which may be a thousand times as large in memory. A profile of colours has some hundred to thousand. */
const mostCompressedBytes = 16 * 2 ** 10;
const compressed: readonly string[] = ['zTXt', 'iTXt', 'iCCP'];
const signatureBytes = 8;
/** Length, type and check sum. */
const frameBytes = 12;

/**
 * Whether what a PNG holds besides its pixels costs next to nothing to read. The decoder inflates texts and profiles that no pixel needs
 * before it says how large the image is.
 *
 * @param part the file, or its first bytes
 * @param until the chunk up to which a decoder reads: for the header the first with pixels, for pixels the end
 * @returns false as well where `part` ends before the first chunk with pixels
 */
export function hasFewChunks(part: Uint8Array, until: 'IDAT' | 'IEND'): boolean {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  let chunks = 0;
  let inflated = 0;
  let hasPixels = false;
  for (let at = signatureBytes; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    hasPixels ||= type === 'IDAT';
    if (type === until) return true;
    if (type !== 'IDAT') chunks++;
    if (compressed.includes(type)) inflated += length;
    if (chunks > mostChunks || inflated > mostCompressedBytes) return false;
    at += frameBytes + length;
  }
  return hasPixels;
}
