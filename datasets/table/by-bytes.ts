/** Compares two texts by their bytes in UTF-8, without making them: the order that is the same on every machine. */
export function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return inUtf8Order(left) - inUtf8Order(right);
  }
  return a.length - b.length;
}

/** Halves of characters beyond U+FFFF come before U+E000 in UTF-16, and after U+FFFF in UTF-8. */
const inUtf8Order = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
