import type { Json } from './json.ts';

/**
 * How many bytes a value takes as JSON in UTF-8, at most a few more than it does. Counted without writing it down.
 *
 * @param most counting stops once there are more; the answer is then some number above
 */
export function jsonSize(value: Json | undefined, most: number = Number.POSITIVE_INFINITY): number {
  if (value === null || value === undefined) return 4;
  if (typeof value === 'string') return textBytes(value, most);
  if (typeof value === 'number') return String(value).length;
  if (typeof value === 'boolean') return 5;
  let bytes = 2;
  for (const name of Object.keys(value)) {
    if (bytes > most) return bytes;
    bytes += 1 + jsonSize((value as Readonly<Record<string, Json>>)[name], most - bytes);
    if (!Array.isArray(value)) bytes += 1 + textBytes(name, most - bytes);
  }
  return bytes;
}

function textBytes(text: string, most: number): number {
  let bytes = 2;
  for (let i = 0; i < text.length && bytes <= most; i++) {
    const code = text.charCodeAt(i);
    // Control characters are escaped; each half of a pair counts for three where the pair has four.
    if (code < 0x20) bytes += 6;
    else if (code === 0x22 || code === 0x5c) bytes += 2;
    else bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
  }
  return bytes;
}
