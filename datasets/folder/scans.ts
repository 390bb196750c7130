/** Scans that a JPEG may have. Encoders write one, or about ten where it is progressive; a decoder goes over the whole picture for each. */
export const mostScans = 100;

const startOfScan = Buffer.from([0xff, 0xda]);

/**
 * How many scans begin in a part of a JPEG, those of small pictures in its headers included. Within the coded picture the two bytes do
 * not follow each other.
 */
export function scansIn(part: Uint8Array): number {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  let scans = 0;
  for (let at = bytes.indexOf(startOfScan); at >= 0; at = bytes.indexOf(startOfScan, at + 2)) scans++;
  return scans;
}
