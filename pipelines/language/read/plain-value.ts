import { limits } from '../../../contracts/limits.ts';
import type { Path } from '../problems/problems.ts';

/**
 * What is wrong with a number or text that JSON could not give back as it is: it would be another one, or nothing.
 *
 * @returns the end of a sentence that begins with "must"; null for a sound one
 */
export function problemWithScalar(value: unknown): string | null {
  if (typeof value === 'string')
    return value.isWellFormed() ? null : 'be Unicode text; half a character stands in it (\\ud800 to \\udfff)';
  if (typeof value !== 'number') return null;
  if (!Number.isFinite(value)) return `be a finite number, not ${value}`;
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? `be a whole number up to ${Number.MAX_SAFE_INTEGER}; this one would be rounded to ${value}. Quote it, should it be text`
    : null;
}

/**
 * What keeps a value, as YAML or a program gives it, from being plain data: it contains itself, lies too deep, or has a number
 * or text that JSON cannot hold. Null where nothing does; the rest of the language then need not ask.
 */
export function problemWithValue(
  value: unknown,
  path: Path = [],
  above: readonly unknown[] = [],
): { readonly path: Path; readonly message: string } | null {
  const wrong = problemWithScalar(value);
  if (wrong !== null) return { path, message: `${path.at(-1) ?? 'the value'} must ${wrong}` };
  if (typeof value === 'bigint' || typeof value === 'symbol')
    return { path, message: `${path.at(-1) ?? 'the value'} must be a number, text, true, false, a list or a mapping` };
  // A reference of a program is text once it is written.
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return null;
  if (above.includes(value))
    return { path, message: 'this contains itself; an alias (*) may not stand within its anchor (&)' };
  if (above.length >= limits.nesting)
    return {
      path,
      message: `lists and mappings lie more than ${limits.nesting} deep in each other; at most ${limits.nesting} are allowed`,
    };
  const within = [...above, value];
  for (const [key, member] of Object.entries(value)) {
    if (!key.isWellFormed()) return { path, message: `a key must ${problemWithScalar(key)}` };
    // Those that check the keys of parameters pass over this one.
    if (key === '__proto__' && path.length > 0) return { path, message: 'unknown key __proto__' };
    const found = problemWithValue(member, [...path, Array.isArray(value) ? Number(key) : key], within);
    if (found) return found;
  }
  return null;
}
