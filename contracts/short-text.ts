/** The beginning of a text of several lines, on one line: where there is room for one, what matters may stand in the second. */
export function oneLine(text: string, most = 200): string {
  const joined = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
  return shortened(joined, most);
}

/** A text whose first letter is a capital. */
export const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** The beginning of a text that is too long, cut between characters. */
export function shortened(text: string, most: number): string {
  const characters = [...text.slice(0, 2 * most + 2)];
  return characters.length > most ? `${characters.slice(0, most).join('')}…` : text;
}
