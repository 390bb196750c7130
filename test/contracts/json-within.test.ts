import { describe, expect, it } from 'vitest';
import { deepestJson, parseJsonWithin } from '../../contracts/json-within.ts';

const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`;

describe('JSON of a stranger', () => {
  it('is parsed where it is not nested too deep', () => {
    expect(JSON.stringify(parseJsonWithin(nested(deepestJson)))).toBe(nested(deepestJson));
    expect(parseJsonWithin('[[1],[2],{"a":[3]}]', 3)).toEqual([[1], [2], { a: [3] }]);
  });

  it('is refused where it is, objects and arrays alike', () => {
    expect(() => parseJsonWithin(nested(deepestJson + 1))).toThrow('it is nested more than 200 deep');
    expect(() => parseJsonWithin('{"a":[{"b":1}]}', 2)).toThrow('it is nested more than 2 deep');
  });

  it('may have any brackets within texts, also behind quotes and backslashes', () => {
    const text = JSON.stringify({ a: `${'['.repeat(1000)}"\\`, '{{"': ['\\"[['] });
    expect(parseJsonWithin(text, 2)).toEqual(JSON.parse(text));
  });

  it('is refused as JSON.parse refuses it', () => {
    for (const text of ['', '{', '"a', ']', '{"a":1']) expect(() => parseJsonWithin(text)).toThrow(SyntaxError);
  });
});
