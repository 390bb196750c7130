import { isMapping, type Json } from './json.ts';

/**
 * A setting in few words, for people: `0.1`, `adam learningRate=0.1`, `triplet margin=soft`. Of a mapping with a `name`, the name
 * comes first; a mapping of one key to a mapping is that key and what is in it, as a loss is written.
 */
export function settingText(value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(settingText).join(', ')}]`;
  if (!isMapping(value)) return JSON.stringify(value);
  const { name, ...rest } = value;
  const entries = Object.entries(typeof name === 'string' ? rest : value);
  if (typeof name === 'string') return [name, ...entries.map(entryText)].join(' ');
  const [only, ...others] = entries;
  if (!only) return '{}';
  if (others.length === 0 && isMapping(only[1]))
    return Object.keys(only[1]).length === 0 ? only[0] : `${only[0]} ${settingText(only[1])}`;
  return entries.map(entryText).join(' ');
}

const entryText = ([key, value]: readonly [string, Json]): string =>
  isMapping(value) ? `${key}=(${settingText(value)})` : `${key}=${settingText(value)}`;
