/**
 * What a terminal or a page would act on instead of showing: control characters (C0, C1, DEL), line and paragraph
 * separators, marks that turn the direction of text, and characters without width. A joiner between two pictures is a part
 * of an emoji and stays.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|(?<!\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d|\u200d(?!\p{Extended_Pictographic})/gu;

const named: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** A character as it is written in a program: `\n`, `\x1b`, `\u202e`. */
const notation = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return named[character] ?? (code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`);
};

/** Text of a stranger on one line: nothing in it acts, all of it can be seen. */
export const visible = (text: string): string => text.replaceAll(hidden, notation);

/** The same for text of several lines: line breaks and tabs stay. */
export const visibleLines = (text: string): string =>
  text.replaceAll(hidden, (character) => (character === '\n' || character === '\t' ? character : notation(character)));

/** JSON that shows what it holds: what would act is escaped by JSON's own notation, so it is read as the same value. */
export const visibleJson = (json: string): string =>
  json.replaceAll(hidden, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
