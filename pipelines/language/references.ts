import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import type { Path } from './problems.ts';

/** `${params.<name>…}` or `${steps.<id>.result.<field>…}`. */
export type Reference =
  | { readonly of: 'params'; readonly path: readonly string[] }
  | { readonly of: 'steps'; readonly step: string; readonly path: readonly string[] };

const pattern = /\$\{([^}]*)\}/g;

/** Reads the text between `${` and `}`; null when it is not a reference. */
export function parseReference(text: string): Reference | null {
  const parts = text.trim().split('.');
  if (!parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) return null;
  const [of, name, result, ...rest] = parts;
  if (of === 'params' && name !== undefined) return { of, path: parts.slice(1) };
  if (of === 'steps' && name !== undefined && result === 'result' && rest.length > 0)
    return { of, step: name, path: rest };
  return null;
}

/** Every reference in a value, with the path of the text that holds it. Text that is not a reference comes as null. */
export function findReferences(
  value: Json,
  path: Path = [],
): { readonly path: Path; readonly text: string; readonly reference: Reference | null }[] {
  if (typeof value === 'string')
    return [...value.matchAll(pattern)].map(([, inner = '']) => ({
      path,
      text: inner,
      reference: parseReference(inner),
    }));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    findReferences(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/**
 * Replaces references by what they name. Text that is one reference takes the type of what it names; a reference inside
 * other text becomes text. `lookup` may leave a reference in place by returning undefined.
 */
export function substitute(value: Json, lookup: (reference: Reference) => Json | undefined): Json {
  if (typeof value === 'string') {
    const whole = /^\$\{([^}]*)\}$/.exec(value);
    const reference = whole ? parseReference(whole[1] ?? '') : null;
    if (reference) return lookup(reference) ?? value;
    return value.replace(pattern, (original, inner: string) => {
      const named = parseReference(inner);
      const found = named ? lookup(named) : undefined;
      return found === undefined ? original : typeof found === 'string' ? found : JSON.stringify(found);
    });
  }
  if (Array.isArray(value)) return value.map((member: Json) => substitute(member, lookup));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, substitute(member, lookup)]));
}

/** What a path names in a value; undefined when there is nothing. */
export function lookUp(value: Json | undefined, path: readonly string[]): Json | undefined {
  let at = value;
  for (const part of path)
    at =
      typeof at === 'object' && at !== null && !Array.isArray(at)
        ? (at as { readonly [key: string]: Json })[part]
        : undefined;
  return at;
}

/**
 * Fills in the results of finished steps.
 *
 * @throws ContrailError InvalidInput for a result that is not there
 */
export function resolveResults(value: Json, results: Readonly<Record<string, Json>>): Json {
  return substitute(value, (reference) => {
    if (reference.of === 'params') return undefined;
    const found = lookUp(results[reference.step], reference.path);
    if (found === undefined)
      throw new ContrailError('InvalidInput', `Step ${reference.step} has no result ${reference.path.join('.')}.`);
    return found;
  });
}
