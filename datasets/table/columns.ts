import type { PrepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import type { OptionalColumn, TableColumns } from './rows.ts';

/** What the columns of a table are called: as they were named, else by what they hold. */
export function columnsOf({
  image = 'image',
  label = 'label',
  labels,
  ...named
}: Partial<NonNullable<PrepareDataParameters['columns']>> = {}): TableColumns {
  const optional = (name: 'group' | 'category' | 'split'): OptionalColumn => {
    const given = named[name];
    return given === false ? null : { name: given ?? name, needed: given !== undefined };
  };
  return {
    image,
    label,
    group: optional('group'),
    category: optional('category'),
    split: optional('split'),
    labels: labels ?? null,
  };
}
