const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Signs of text as a reader sees them: a letter with its marks, an emoji of several characters. */
export const graphemesOf = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);

/** Signs that take two columns: East Asian wide and full-width ones, and what is drawn as an emoji. */
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;
const withoutWidth = /^[\p{Mark}\p{Format}\p{Control}]+$/u;

/** Columns that text takes in a terminal. */
export const displayWidth = (text: string): number =>
  graphemesOf(text).reduce((sum, sign) => sum + (withoutWidth.test(sign) ? 0 : wide.test(sign) ? 2 : 1), 0);
