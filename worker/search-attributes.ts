import type { OperatorService } from '@temporalio/client';
import { searchAttributes } from '../workflows/search-attributes.ts';

/** Temporal's numbers for the types of search attributes. */
const typeNumbers: Readonly<Record<string, number>> = {
  TEXT: 1,
  KEYWORD: 2,
  INT: 3,
  DOUBLE: 4,
  BOOL: 5,
  DATETIME: 6,
  KEYWORD_LIST: 7,
};

/** Tells the server about Contrail's search attributes, where it does not know them yet. */
export async function registerSearchAttributes(operator: OperatorService, namespace: string): Promise<void> {
  const { customAttributes } = await operator.listSearchAttributes({ namespace });
  const missing = searchAttributes.filter(({ name }) => !Object.hasOwn(customAttributes ?? {}, name));
  if (missing.length > 0)
    await operator.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, typeNumbers[type] ?? 2])),
    });
}
