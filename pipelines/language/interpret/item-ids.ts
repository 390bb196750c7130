import { canonicalJson, type Json } from '../../../contracts/json.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import { oneLine } from '../../../contracts/short-text.ts';

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
  return `${name}=${isReadable ? text : digestOf(canonicalJson(item))}`;
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

/**
 * 53 bits of a text (cyrb53), in hexadecimal. Workflows have no SHA-256; two items that share these bits are refused, and a
 * result is only ever taken by its fingerprint.
 */
function digestOf(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(16).padStart(14, '0');
}
