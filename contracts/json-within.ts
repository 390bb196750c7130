/** JSON that somebody else wrote, or that was damaged. */

/** Deeper than any JSON that Contrail writes, and no deeper than code that walks through it by calling itself can go. */
export const deepestJson = 200;

/** A JSON text whose arrays and objects lie too deep in each other. */
export class TooDeep extends Error {
  constructor(most: number) {
    super(`it is nested more than ${most} deep`);
    this.name = 'TooDeep';
  }
}

/**
 * Parses JSON that is not nested too deep. A few megabytes of brackets keep `JSON.parse` busy for many seconds, so they are counted
 * before.
 *
 * @throws TooDeep; SyntaxError for what is no JSON
 */
export function parseJsonWithin(text: string, most = deepestJson): unknown {
  if (isDeeperThan(text, most)) throw new TooDeep(most);
  return JSON.parse(text);
}

const [quote, backslash] = ['"', '\\'].map((each) => each.charCodeAt(0));
const opening = ['[', '{'].map((each) => each.charCodeAt(0));
const closing = [']', '}'].map((each) => each.charCodeAt(0));

function isDeeperThan(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      for (at++; at < text.length && text.charCodeAt(at) !== quote; at++) if (text.charCodeAt(at) === backslash) at++;
    } else if (code === opening[0] || code === opening[1]) {
      if (++depth > most) return true;
    } else if (code === closing[0] || code === closing[1]) depth--;
  }
  return false;
}
