import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../pipelines/language/expressions/pattern.ts';

/** Numbers from 0 to 1 that are the same in every run. */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const atoms = [
  'a',
  'b',
  'c',
  '.',
  '[ab]',
  '[^a]',
  '\\d',
  '\\w',
  '\\.',
  '^',
  '$',
  '\\b',
  '\\B',
  '\\x61',
  '[\\]a-]',
  '-',
];
const quantifiers = ['', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,}', '*?', '+?', '{,2}'];

describe('a pattern', () => {
  it('finds what JavaScript finds', () => {
    const draw = draws(1);
    const pick = (list: readonly string[]) => list[Math.floor(draw() * list.length)] ?? '';
    const pattern = (depth: number): string => {
      const parts = Array.from({ length: 1 + Math.floor(draw() * 3) }, () => {
        const inner = depth > 0 && draw() < 0.4 ? `(${draw() < 0.5 ? '?:' : ''}${pattern(depth - 1)})` : pick(atoms);
        return inner + (['^', '$', '\\b', '\\B'].includes(inner) ? '' : pick(quantifiers));
      });
      return draw() < 0.3 ? `${parts.join('')}|${pick(atoms)}` : parts.join('');
    };
    let compared = 0;
    for (let i = 0; i < 3000; i++) {
      const source = pattern(2);
      const native = new RegExp(source);
      const ours = compilePattern(source);
      for (let j = 0; j < 8; j++) {
        const text = Array.from({ length: Math.floor(draw() * 7) }, () =>
          pick(['a', 'b', 'c', '.', '1', ' ', '-']),
        ).join('');
        expect(`${source} in "${text}": ${ours.test(text)}`).toBe(`${source} in "${text}": ${native.test(text)}`);
        compared++;
      }
    }
    expect(compared).toBe(24_000);
  });

  it.each(['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(.*a){12}$', '^([a-z]+)*\\d$', '(?:a?){25}a{25}$', 'a*a*a*a*a*a*b'])(
    'takes no longer for a text that it nearly fits: %s',
    (source) => {
      const pattern = compilePattern(source);
      // JavaScript's own would not end within the life of the universe.
      expect(pattern.test(`${'a'.repeat(2000)}!`)).toBe(false);
      expect(pattern.states).toBeLessThan(200);
    },
  );

  it.each([
    ['(a)\\1', 'may not refer back'],
    ['(?<x>a)\\k<x>', 'may not refer back'],
    ['(?=a)b', 'may not look around'],
    ['(?!a)b', 'may not look around'],
    ['(?<=a)b', 'may not look around'],
    ['(?<!a)b', 'may not look around'],
    ['(?!>a)b', 'may not look around'],
    ['(a', 'not a valid pattern'],
    ['a{1001}', 'at most 1000 states'],
    ['((a{100}){100}){100}', 'at most 1000 states'],
    ['a'.repeat(1001), 'at most 1000 characters'],
  ])('is refused with a sentence: %s', (source, message) => {
    expect(() => compilePattern(source)).toThrow(message);
  });
});
