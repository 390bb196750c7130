import type { Random } from './random.ts';

/** Names that objects of JavaScript have anyway. */
export const ownNames: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  'toJSON',
  'valueOf',
];

/** Texts at which programs go wrong, whatever their language. */
export const nastyTexts: readonly string[] = [
  ...['', ' ', '\n', '\r\n', '\t', '\0', '\ufeff', '\u2028', '\u202e', '\u0301', '😀', '\ud7ff\ue000', '\x1b[2J'],
  ...ownNames,
  ...['null', 'true', 'undefined', 'NaN', 'Infinity', '-0', '1e999', '-1e999', '1e-999', '0x10', '0o7', '1_000'],
  ...['../../../../etc/passwd', '/', '.', '..', 'C:\\', 'a\\b', '%00', '%2e%2e%2f', 'file:///', '~', '${x}', '$(x)'],
];

/** Numbers as they are written at which programs go wrong. */
const numbers: readonly string[] = [
  ...['0', '1', '-1', '2', '3', '63', '64', '100', '255', '256', '1000', '65535', '65536', '100000', '1000000'],
  ...['2147483647', '2147483648', '4294967295', '4294967296', '9007199254740991', '9007199254740993'],
  ...['18446744073709551616', '1e21', '1e308', '1e309', '0.1', '-0.5', '1e-7', '00', '1.', '.5'],
];

const tokenPattern = /[\p{L}_$][\p{L}\p{N}_-]*|\d+(?:\.\d+)?|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[ \t]+|\r?\n|[\s\S]/gu;
const brackets: readonly (readonly [string, string])[] = [
  ...([
    ['(', ')'],
    ['[', ']'],
    ['{', '}'],
    ['"', '"'],
    ["'", "'"],
    ['${', '}'],
    ['{a: ', '}'],
    ['!', ''],
  ] as const),
];

/** A text as words, numbers, quoted texts, spaces and single characters. */
export const tokensOf = (text: string): readonly string[] => text.match(tokenPattern) ?? [];

const rangeIn = (tokens: readonly string[], random: Random): readonly [number, number] => {
  const from = random.below(tokens.length + 1);
  const most = random.oneIn(4) ? tokens.length - from : Math.min(tokens.length - from, 8);
  return [from, from + random.below(most + 1)];
};

/** @returns a range of whole lines */
const linesIn = (tokens: readonly string[], random: Random): readonly [number, number] => {
  const ends = tokens.flatMap((token, at) => (token.endsWith('\n') ? [at + 1] : []));
  if (ends.length === 0) return rangeIn(tokens, random);
  const first = random.below(ends.length);
  const last = Math.min(ends.length - 1, first + random.below(4));
  return [first === 0 ? 0 : (ends[first - 1] as number), ends[last] as number];
};

const replaced = (tokens: readonly string[], from: number, to: number, by: readonly string[]) => [
  ...tokens.slice(0, from),
  ...by,
  ...tokens.slice(to),
];

const isNumber = (token: string) => /^\d/.test(token);

interface Words {
  /** Of the language. */
  readonly known: readonly string[];
  /** Those of another input. */
  readonly other: readonly string[];
}

type Change = (tokens: readonly string[], random: Random, words: Words) => readonly string[];

const changes: readonly Change[] = [
  (tokens, random) => replaced(tokens, ...rangeIn(tokens, random), []),
  (tokens, random) => replaced(tokens, ...linesIn(tokens, random), []),
  (tokens, random) => {
    const [from, to] = random.oneIn(2) ? linesIn(tokens, random) : rangeIn(tokens, random);
    return replaced(tokens, to, to, tokens.slice(from, to));
  },
  (tokens, random) => {
    const [from, to] = linesIn(tokens, random);
    const rest = replaced(tokens, from, to, []);
    const at = random.below(rest.length + 1);
    return replaced(rest, at, at, tokens.slice(from, to));
  },
  // Far too often, as nothing that people write.
  (tokens, random) => {
    const [from, to] = rangeIn(tokens, random);
    const times = random.pick([10, 100, 1000, 10_000]);
    const part = tokens.slice(from, Math.min(to, from + 4));
    return replaced(tokens, to, to, [
      part.join('').repeat(Math.min(times, Math.floor(60_000 / (1 + part.join('').length)))),
    ]);
  },
  (tokens, random) => {
    const [from, to] = rangeIn(tokens, random);
    const [open, close] = random.pick(brackets);
    const depth = random.oneIn(3) ? random.pick([70, 110, 600, 5000]) : 1;
    return replaced(tokens, from, to, [open.repeat(depth), ...tokens.slice(from, to), close.repeat(depth)]);
  },
  (tokens, random, { known, other }) => {
    const at = random.below(tokens.length + 1);
    const word = random.pick([nastyTexts, known, other, numbers].filter((each) => each.length > 0));
    return replaced(tokens, at, random.oneIn(2) ? at : at + 1, [random.pick(word)]);
  },
  (tokens, random, { known, other }) => {
    const words = tokens.flatMap((token, at) => (/^[\p{L}"']/u.test(token) ? [at] : []));
    if (words.length === 0) return tokens;
    const at = random.pick(words);
    return replaced(tokens, at, at + 1, [
      random.pick(random.oneIn(3) || known.length === 0 ? nastyTexts.concat(other) : known),
    ]);
  },
  (tokens, random) => {
    const places = tokens.flatMap((token, at) => (isNumber(token) ? [at] : []));
    if (places.length === 0) return tokens;
    const at = random.pick(places);
    return replaced(tokens, at, at + 1, [random.pick(numbers)]);
  },
  (tokens, random, { other }) => {
    const [from, to] = rangeIn(other, random);
    const at = random.below(tokens.length + 1);
    return replaced(tokens, at, random.oneIn(2) ? at : Math.min(tokens.length, at + to - from), other.slice(from, to));
  },
];

/** A text with one change of its words: left out, repeated, moved, wrapped, or replaced by words of the language or of another text. */
export function changeText(text: string, random: Random, known: readonly string[], other: string): string {
  return random
    .pick(changes)(tokensOf(text), random, { known, other: tokensOf(other) })
    .join('');
}
