import { visible } from '../../contracts/visible-text.ts';
import { byBytes } from './by-bytes.ts';
import { textOfCell } from './cell.ts';
import { decided } from './decide.ts';
import { urlOfCell } from './image-cell.ts';
import { alikeTo, type TableRequest } from './record.ts';
import { recordsOf } from './records.ts';
import { type AppliedRelabels, readRelabels, relabelCounter, requireNamed } from './relabels.ts';
import { rowOf, type TableRow } from './row.ts';
import { digestOfTable, type TableFile } from './table-file.ts';
import { numberedUrls, unnumbered } from './url-names.ts';

/** The names of the columns of a table. */
export interface TableColumns {
  readonly image: string;
  readonly label: string;
  readonly group: OptionalColumn;
  readonly category: OptionalColumn;
  readonly split: OptionalColumn;
  /** Of further labels. They must be there. Null: none are read. */
  readonly labels: readonly string[] | null;
}
/** Null: none is read. `needed`: it must be there. */
export type OptionalColumn = { readonly name: string; readonly needed: boolean } | null;

export interface RowsRequest {
  readonly file: TableFile;
  readonly columns: TableColumns;
  readonly allowUrls: boolean;
  /** Corrections of labels. */
  readonly relabels: TableFile | null;
  /** Rows may lack a label: where it is, in place of that of `columns`. Absent: each row must have one. */
  readonly optionalLabel?: OptionalColumn;
}

export interface TableRows {
  /** By the bytes of the names of their images. */
  readonly rows: readonly TableRow[];
  readonly about: {
    /** Of the table. */
    readonly sha256: string;
    readonly relabels: AppliedRelabels | null;
    readonly warnings: readonly string[];
  };
}

const advice = 'Name yours in `columns`.';

/**
 * Reads the rows of a table, whatever their order: corrects labels, and decides between rows that name the same image.
 *
 * @throws ContrailError InvalidDataset for a table, or one of corrections, that cannot be read
 */
export async function readRows(request: RowsRequest): Promise<TableRows> {
  const { file, columns, allowUrls, relabels: corrections, optionalLabel } = request;
  const mayLackLabel = optionalLabel !== undefined;
  const label = mayLackLabel ? (optionalLabel?.name ?? '') : columns.label;
  const others = [columns.group, columns.category, columns.split, ...(mayLackLabel ? [optionalLabel] : [])];
  const furtherLabels = columns.labels ?? [];
  const named = [
    columns.image,
    ...(mayLackLabel ? [] : [label]),
    ...others.flatMap((each) => (each?.needed ? [each.name] : [])),
  ];
  // One column may serve several ends.
  const needed = [...new Set([...named, ...furtherLabels])];
  const optional = others.flatMap((each) =>
    each && !each.needed && !furtherLabels.includes(each.name) ? [each.name] : [],
  );
  const order = new Map([...needed, ...optional].map((name, at) => [name, at]));
  const wanted = { ...file, needed, optional, advice };
  // Without a number they are only named as rejected.
  const urls = allowUrls ? await numberedUrls(urlsIn(wanted, order.get(columns.image) ?? 0)) : unnumbered;
  const relabels = corrections ? await readRelabels(corrections, file.root, urls) : null;
  const around = {
    root: file.root,
    allowUrls,
    urls,
    labelColumn: label,
    mayLackLabel,
    relabelOf: (name: string) => relabels?.byName.get(name),
  };
  const seen = new Set<string>();
  const counter = relabels ? relabelCounter(relabels) : null;
  const rows: TableRow[] = [];
  const warnings: string[] = [];
  const onColumns = (names: readonly string[]) => {
    for (const column of optional.filter((each) => !names.includes(each)))
      for (const name of alikeTo(column, names).filter((each) => !needed.includes(each)))
        warnings.push(
          `${file.name} has a column "${visible(name)}", which is passed over. To read it, say \`columns: { ${column}: ${JSON.stringify(name)} }\`; else \`${column}: false\`.`,
        );
  };
  for await (const { line, cells } of recordsOf({ ...wanted, onColumns })) {
    if (typeof cells === 'string') {
      rows.push({ line, name: '', is: 'rejected', reason: cells });
      continue;
    }
    const cellOf = (column: string | undefined) => cells[order.get(column ?? '') ?? -1];
    const { row, written } = rowOf(
      line,
      {
        image: cellOf(columns.image),
        label: cellOf(label),
        group: cellOf(columns.group?.name),
        category: cellOf(columns.category?.name),
        split: cellOf(columns.split?.name),
        ...(columns.labels ? { labels: columns.labels.map((column) => [column, cellOf(column)] as const) } : {}),
      },
      around,
    );
    rows.push(row);
    seen.add(row.name);
    counter?.add(row.name, written);
  }
  if (relabels) requireNamed(relabels, (name) => seen.has(name));
  return {
    rows: decided(rows.sort((a, b) => byBytes(a.name, b.name) || a.line - b.line)),
    about: {
      sha256: await digestOfTable(file),
      relabels: counter?.result() ?? null,
      warnings,
    },
  };
}

/** The URLs that rows of a table name as their images. */
async function* urlsIn(request: TableRequest, imageAt: number): AsyncGenerator<URL> {
  for await (const { cells } of recordsOf(request)) {
    const image = typeof cells === 'string' ? null : textOfCell(cells[imageAt]);
    const url = image && 'text' in image ? urlOfCell(image.text) : null;
    if (url) yield url;
  }
}
