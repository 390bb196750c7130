import { InvalidArgumentError } from 'commander';
import { isAlias, isScalar, parseDocument, visit } from 'yaml';
import type { Json } from '../contracts/json.ts';
import { problemWithScalar } from '../pipelines/language/read/plain-value.ts';

/**
 * A value that a person gives on the command line, read as YAML: `3` is a number, `[1, 2]` a list. What is no YAML is text.
 *
 * @throws InvalidArgumentError for what JSON cannot hold: aliases, keys of JavaScript's own, numbers that would be rounded
 */
export function givenValue(text: string): Json {
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: true });
  if (document.errors.length > 0) return text;
  visit(document, {
    // The library would write out a list or a mapping as a key, which takes for ever where they lie in each other.
    Pair: (_, { key }) => {
      if (key !== null && !isScalar(key) && !isAlias(key))
        throw new InvalidArgumentError('A key of it must be a word or a number, not a list or a mapping.');
    },
    Node: (_, node) => {
      if (isAlias(node)) throw new InvalidArgumentError('It must be written out: no anchors (&) and aliases (*).');
      if (node.tag?.startsWith('!') || (node.tag && !plainTags.test(node.tag)))
        throw new InvalidArgumentError(`It must be a plain value, without the tag ${node.tag}.`);
    },
  });
  return plain(document.toJS());
}

/** What the reader notes itself, where a tag is written. */
const plainTags = /^tag:yaml\.org,2002:(str|int|float|bool|null|seq|map)$/;

function plain(value: unknown): Json {
  if (typeof value === 'string') return wellFormed(value);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return exact(value);
  if (Array.isArray(value)) return value.map(plain);
  const entries = Object.entries(value as object);
  const own = entries.find(([key]) => key === '__proto__');
  if (own) throw new InvalidArgumentError('No key may be __proto__.');
  return Object.fromEntries(entries.map(([key, member]) => [wellFormed(key), plain(member)]));
}

const wellFormed = (text: string): string => {
  const wrong = problemWithScalar(text);
  if (wrong !== null) throw new InvalidArgumentError(`It must ${wrong}.`);
  return text;
};

function exact(value: number): number {
  if (!Number.isFinite(value)) throw new InvalidArgumentError(`It must be a finite number, not ${value}.`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new InvalidArgumentError(
      `It is a whole number beyond ${Number.MAX_SAFE_INTEGER}, which would be rounded to ${value}. Quote it, should it be text.`,
    );
  // JSON has no other zero.
  return value === 0 ? 0 : value;
}
