const joiner = '200D';
const presentation = 'FE0F';
const tones = new Set(['1F3FB', '1F3FC', '1F3FD', '1F3FE', '1F3FF']);
/** What follows a joiner and changes who is shown or where to, not what: female, male, facing right. */
const variants = new Set(['2640', '2642', '27A1']);

/** People who are drawn as a woman, a man or neither, by the code point of the last. */
const people: Readonly<Record<string, string>> = {
  '1F468': '1F9D1', // man
  '1F469': '1F9D1', // woman
  '1F466': '1F9D2', // boy
  '1F467': '1F9D2', // girl
  '1F474': '1F9D3', // old man
  '1F475': '1F9D3', // old woman
  '1F478': '1FAC5', // princess
  '1F934': '1FAC5', // prince
  '1F936': '1F385', // Mrs. Claus
  '1F57A': '1F483', // man dancing
};

/**
 * The emoji that a sequence is a variant of: skin tones, genders and directions of one are the same.
 *
 * @param sequence code points in hexadecimal with `-` between them, as `1F3C3-1F3FB-200D-2640-FE0F` (a woman running)
 * @returns such a sequence, as `1F3C3`
 */
export function baseOf(sequence: string): string {
  const [first = [], ...joined] = partsOf(sequence.toUpperCase().split('-'));
  const kept = joined.filter((part) => !(part.length === 1 && variants.has(part[0] ?? '')));
  return [first, ...kept].map((part) => part.map((code) => people[code] ?? code).join('-')).join(`-${joiner}-`);
}

/** What a file is found by: houses differ in whether they write that an emoji is to be shown as a picture. */
export const plainSequence = (sequence: string): string =>
  sequence
    .toUpperCase()
    .split('-')
    .filter((code) => code !== presentation)
    .join('-');

function partsOf(codes: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const code of codes) {
    if (code === joiner) parts.push([]);
    else if (code !== presentation && !tones.has(code)) parts.at(-1)?.push(code);
  }
  return parts;
}
