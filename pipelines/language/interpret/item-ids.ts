import { canonicalJson, type Json } from '../../../contracts/json.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import { oneLine } from '../../../contracts/short-text.ts';
import { textDigest } from '../expressions/text-digest.ts';

const longestText = 60;

/**
 * What the id of a step has after its `@` for an item of a list: `shard=a.tar`. It follows from the item alone, so what is
 * done stays done where the list has another order. An item that makes no readable id is named by a digest.
 */
export function itemId(name: string, item: Json): string {
  const text = typeof item === 'string' ? item : JSON.stringify(item);
  const isReadable =
    /^[A-Za-z0-9._-]+$/.test(text) &&
    text.length <= longestText &&
    // A reference ends the id at `.result`.
    !text.includes('.result') &&
    // "1" and 1 are two items, and only one of them is called 1.
    !(typeof item === 'string' && isLiteral(item));
  return `${name}=${isReadable ? text : textDigest(canonicalJson(item))}`;
}

/** The item of a step whose id does not show it, as people read it; undefined for any other step. */
export function shownItem({ id, matrix }: PlannedStep): string | undefined {
  if (!matrix || !/=[0-9a-f]{14}$/.test(id)) return undefined;
  return oneLine(
    Object.values(matrix.values)
      .map((value) => JSON.stringify(value))
      .join(', '),
    longestText,
  );
}

const isLiteral = (text: string) => /^(true|false|null|-?\d.*)$/.test(text) && parses(text);

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
