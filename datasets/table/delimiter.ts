const quote = '"';

/**
 * What the cells of a .csv are separated by: a comma where its heading has one outside of quotes, else a semicolon, as spreadsheets write it
 * where the comma is in numbers, else a tab.
 *
 * @param text the beginning of the table, with the whole heading; lines end in `\n`
 */
export function delimiterOf(text: string): ',' | ';' | '\t' {
  const seen = new Set<string>();
  let isQuoted = false;
  let isHeading = false;
  for (const character of text) {
    if (character === quote) isQuoted = !isQuoted;
    else if (!isQuoted && character === '\n') {
      // A row without any text is not the heading.
      if (isHeading) break;
      seen.clear();
    } else if (!isQuoted && [',', ';', '\t'].includes(character)) seen.add(character);
    else if (character.trim() !== '') isHeading = true;
  }
  if (seen.has(',') || !(seen.has(';') || seen.has('\t'))) return ',';
  return seen.has(';') ? ';' : '\t';
}
