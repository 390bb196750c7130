/** What two names have in common that a person would call one: Unicode form, case, width, and characters that nobody sees. */
export const likeness = (name: string): string =>
  Array.from(name.normalize('NFKC').replaceAll(/[\p{Cf}\p{Cc}]/gu, ''), fold)
    .join('')
    .normalize('NFC')
    .trim()
    .replaceAll(/\s+/gu, ' ');

/** Unicode's case folding, the same in every locale. The dotless i is a letter of its own. */
const fold = (character: string) => (character === 'ı' ? character : character.toUpperCase().toLowerCase());

/** A name with its code points: `"Übung" (U+0055 U+0308 …)`. */
export function withCodePoints(name: string): string {
  const points = Array.from(name, (character) => `U+${pointOf(character)}`);
  const shown = points.length > longestShown ? [...points.slice(0, longestShown), '…'] : points;
  return `"${name}" (${shown.join(' ')})`;
}

const longestShown = 24;
const pointOf = (character: string) => (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');

/** Names that are not the same but look it, in groups. */
export function lookAlikes(names: readonly string[]): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const key = likeness(name);
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

/** Sorted by the bytes of their names: the same on every machine, whatever its locale. */
export function sortByBytes<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  // Made once each: a folder may hold a hundred thousand files.
  const keyed = items.map((item) => ({ item, key: Buffer.from(nameOf(item)) }));
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ item }) => item);
}
