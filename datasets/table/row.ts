import { visible } from '../../contracts/visible-text.ts';
import { type SplitFolder, splitNamesShown, splitOf } from '../folder/layout.ts';
import { textOfCell } from './cell.ts';
import { type ImageSource, imageOfCell } from './image-cell.ts';
import { labelOfCell, nameOfCell } from './label-cell.ts';
import { tableLimits } from './limits.ts';
import type { Relabel } from './relabels.ts';
import type { UrlNames } from './url-names.ts';

/** What a row of a table says of its image, which has not been looked at. */
export interface ImageRow {
  readonly is: 'image';
  readonly source: ImageSource;
  readonly label: string;
  /** Null: it says none. */
  readonly split: SplitFolder | null;
  readonly group?: string;
  readonly category?: string;
  /** Further labels by the names of their columns, without those whose cell is empty. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A row of a table. `name`: of its image; empty where it has none. */
export type TableRow = { readonly line: number; readonly name: string } & (
  | ImageRow
  /** `byLine`: of the corrections. */
  | { readonly is: 'dropped'; readonly source: ImageSource; readonly byLine: number }
  /** `label`: where it is known. */
  | { readonly is: 'rejected'; readonly reason: string; readonly label?: string }
);

/** The cells of a row. Absent: the table has no such column. */
export interface RowCells {
  readonly image: unknown;
  readonly label: unknown;
  readonly group?: unknown;
  readonly category?: unknown;
  readonly split?: unknown;
  /** Of further labels, by the names of their columns. Absent: none are read. */
  readonly labels?: readonly (readonly [column: string, cell: unknown])[];
}

/**
 * What a row says.
 *
 * @param of.relabelOf the correction of an image
 * @param of.labelColumn a further label of this column is the label, corrected as that is
 * @returns `written`: the label that it had before it was corrected, null for none
 */
export function rowOf(
  line: number,
  cells: RowCells,
  {
    root,
    allowUrls,
    urls,
    labelColumn,
    mayLackLabel = false,
    relabelOf,
  }: {
    readonly root: string;
    readonly allowUrls: boolean;
    /** What URLs are called. */
    readonly urls: UrlNames;
    readonly labelColumn: string;
    /** A row without a label is one all the same; its label is then empty. */
    readonly mayLackLabel?: boolean;
    readonly relabelOf: (name: string) => Relabel | undefined;
  },
): { readonly row: TableRow; readonly written: string | null } {
  const label = mayLackLabel ? nameOfCell(cells.label, 'label') : labelOfCell(cells.label);
  const written = 'text' in label ? label.text : null;
  const rejected = (name: string, reason: string, of = written) => ({
    row: { line, name, is: 'rejected', reason, ...(of === null ? {} : { label: of }) } as const,
    written,
  });
  const image = textOfCell(cells.image);
  if ('problem' in image) return rejected('', `has an image that ${image.problem}`);
  if (image.text.length > tableLimits.imageCharacters)
    return rejected('', `has an image of more than ${tableLimits.imageCharacters} characters`);
  const found = imageOfCell(image.text, root, { allowUrls, urls });
  const { name } = found;
  if ('reason' in found) return rejected(name, found.reason);
  const { source } = found;
  const relabel = relabelOf(name);
  if (relabel?.label === null) return { row: { line, name, is: 'dropped', source, byLine: relabel.line }, written };
  const given = relabel ? { text: relabel.label ?? '' } : label;
  if ('problem' in given) return rejected(name, given.problem);
  const group = nameOfCell(cells.group, 'group');
  const category = nameOfCell(cells.category, 'category');
  const split = splitOfCell(cells.split);
  const labels = labelsOfCells(
    cells.labels?.map(([column, cell]) => [column, column === labelColumn ? given.text : cell]),
  );
  if ('problem' in group) return rejected(name, group.problem, given.text);
  if ('problem' in category) return rejected(name, category.problem, given.text);
  if ('problem' in split) return rejected(name, split.problem, given.text);
  if ('problem' in labels) return rejected(name, labels.problem, given.text);
  const facts = {
    ...(group.text === '' ? {} : { group: group.text }),
    ...(category.text === '' ? {} : { category: category.text }),
    ...labels,
  };
  return { row: { line, name, is: 'image', source, label: given.text, split: split.split, ...facts }, written };
}

/** Further labels. They are absent where none are read, and empty where the image has none of those that are. */
function labelsOfCells(
  cells: RowCells['labels'],
): { readonly labels?: Readonly<Record<string, string>> } | { readonly problem: string } {
  if (!cells) return {};
  const labels: Record<string, string> = {};
  for (const [column, cell] of cells) {
    const read = nameOfCell(cell, visible(column));
    if ('problem' in read) return read;
    if (read.text !== '') labels[column] = read.text;
  }
  return { labels };
}

function splitOfCell(cell: unknown): { readonly split: SplitFolder | null } | { readonly problem: string } {
  const read = nameOfCell(cell, 'split');
  if ('problem' in read) return read;
  if (read.text === '') return { split: null };
  const split = splitOf(read.text);
  return split ? { split } : { problem: `is in none of the splits ${splitNamesShown} ("${read.text}")` };
}
