import type { ErrorCode } from '../../../contracts/errors.ts';
import type { TableRow } from '../row.ts';
import type { TableRows } from '../rows.ts';

/** From the thread: rows, and at the end what else there is to say, or why there is none. */
export type RowsAnswer =
  | { readonly rows: readonly TableRow[] }
  | { readonly about: TableRows['about'] }
  | { readonly code: ErrorCode | null; readonly message: string };
