/** `a model`, `an index`: by its spelling, which does for the words that Contrail uses. */
export const withArticle = (word: string): string => `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;
