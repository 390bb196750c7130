import type { Json } from '../../../contracts/json.ts';
import { suggestion } from '../problems/nearest.ts';

const kindOf = (value: Json) =>
  value === null
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'a mapping'
        : typeof value === 'string'
          ? 'text'
          : typeof value === 'boolean'
            ? 'true or false'
            : 'a number';

/**
 * Params with other values in place of some defaults.
 *
 * @param owner what has the params, for messages
 * @param onProblem is told of a value that no param has the name or the type of
 */
export function withValues(
  params: Readonly<Record<string, Json>>,
  values: Readonly<Record<string, Json>>,
  owner: string,
  onProblem: (name: string, message: string) => void,
): Record<string, Json> {
  for (const [name, value] of Object.entries(values)) {
    const initial = Object.hasOwn(params, name) ? params[name] : undefined;
    if (initial === undefined) onProblem(name, `${owner} has no param ${name}${suggestion(name, Object.keys(params))}`);
    else if (initial !== null && kindOf(initial) !== kindOf(value))
      onProblem(
        name,
        `must be ${kindOf(initial)} like its default ${JSON.stringify(initial)}, not ${JSON.stringify(value)}`,
      );
  }
  return { ...params, ...values };
}
