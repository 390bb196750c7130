/** How much of a table is taken. Each refusal names its limit; docs/data.md lists them. */
export const tableLimits = {
  /** Of the file. */
  bytes: 4 * 2 ** 30,
  rows: 5_000_000,
  columns: 10_000,
  /** Of one row as it is written. */
  rowBytes: 2 ** 20,
  /** Of a path or URL. */
  imageCharacters: 4096,
  /** Of a label, a group, a category. */
  nameCharacters: 300,
  /** Of the columns that are read of one row group of a Parquet file, once they are decompressed. */
  rowGroupBytes: 2 ** 30,
} as const;
