import { limits } from '../../contracts/limits.ts';
import type { Path } from './problems.ts';

/**
 * What keeps a value, as YAML or a program gives it, from being plain data: it contains itself, lies too deep, or has a number
 * that JSON cannot hold. Null where nothing does; the rest of the language then need not ask.
 */
export function problemWithValue(
  value: unknown,
  path: Path = [],
  above: readonly unknown[] = [],
): { readonly path: Path; readonly message: string } | null {
  if (typeof value === 'number' && !Number.isFinite(value))
    return { path, message: `${path.at(-1) ?? 'the value'} must be a finite number, not ${value}` };
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
    const found = problemWithValue(member, [...path, Array.isArray(value) ? Number(key) : key], within);
    if (found) return found;
  }
  return null;
}
