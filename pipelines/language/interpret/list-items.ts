import { canonicalJson, isMapping, type Json } from '../../../contracts/json.ts';
import { jsonSize } from '../../../contracts/json-size.ts';
import { formatBytes, limits } from '../../../contracts/limits.ts';
import type { ListSource } from '../../../contracts/plan.ts';
import { shortened } from '../../../contracts/short-text.ts';
import { lookUp } from '../expressions/references.ts';
import { itemId } from './item-ids.ts';

/** An item of a list, and what the ids of its steps have after their `@`. */
export interface ListItem {
  readonly id: string;
  readonly value: Json;
}

/** The items of a list in the result of a step, or what is wrong with it: a sentence. */
export function listItems(
  { step, path, name }: ListSource,
  result: Json | undefined,
): readonly ListItem[] | { readonly problem: string } {
  const where = `${path.join('.')} of step ${step}`;
  const problem = (text: string) => ({ problem: `The matrix goes over ${where}, and ${text}.` });
  const list = lookUp(result, path);
  if (list === undefined) return problem('its result has none');
  if (!Array.isArray(list)) return problem(`that is ${whatItIs(list)}, not a list`);
  if (list.length === 0)
    return problem('that list is empty; at least one item is needed. A `when` can skip the step that gives it');
  if (list.length > limits.matrixCombinations)
    return problem(`that list has ${list.length} items; at most ${limits.matrixCombinations} are allowed`);
  const items: ListItem[] = [];
  const seen = new Map<string, number>();
  for (const [index, value] of list.entries()) {
    const which = `its item ${index + 1}`;
    if (value === null || Array.isArray(value))
      return problem(`${which} is ${whatItIs(value)}; items are texts, numbers, true or false, or small mappings`);
    if (jsonSize(value, limits.itemBytes) > limits.itemBytes)
      return problem(
        `${which} has more than ${formatBytes(limits.itemBytes)}, which is the limit. Let it hold artifacts or names of files`,
      );
    const id = itemId(name, value);
    const twin = seen.get(id);
    if (twin !== undefined)
      return problem(
        canonicalJson(list[twin] ?? null) === canonicalJson(value)
          ? `that list has the same item twice, as ${twin + 1} and ${index + 1}: ${shown(value)}`
          : `its items ${twin + 1} and ${index + 1} would have the same id; change either a little`,
      );
    seen.set(id, index);
    items.push({ id, value });
  }
  return items;
}

const whatItIs = (value: Json): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : isMapping(value)
        ? 'a mapping'
        : `the ${typeof value === 'string' ? 'text' : typeof value} ${shown(value)}`;

const shownCharacters = 100;
const shown = (value: Json) => shortened(JSON.stringify(value), shownCharacters);
