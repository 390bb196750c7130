import type { AsyncBuffer, ColumnMetaData, Compressors, FileMetaData, PageHeader, RowGroup } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import { tableLimits } from './limits.ts';

/**
 * The library that reads Parquet believes the numbers of a file: a page of a negative length is read for ever, and a run of a thousand
 * million values is written down value by value. So every page of the columns that are read is looked at before: its lengths and counts,
 * and how long its runs are.
 */

/** Runs may be longer than what they are of, since groups of eight are filled up; some writers fill up more. */
const mostBeyond = 2 ** 16;
const widestBits = 32;
/** Of a delta encoding: the format says blocks of a multiple of 128, and writers make some hundred. */
const largestBlock = 2 ** 16;
const mostMiniblocks = 2 ** 9;
const lengthBytes = 4;

interface Column {
  readonly meta: ColumnMetaData;
  readonly levels: { readonly repetition: number; readonly definition: number };
  readonly typeBytes: number;
  readonly compressors: Compressors;
}

/** @throws Error that says what is wrong with a page */
export async function checkPages(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[],
  compressors: Compressors,
): Promise<void> {
  const rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + countOf(num_rows, 'rows'), 0);
  if (rows > tableLimits.rows) throw new Error(`it claims ${rows} rows`);
  for (const group of metadata.row_groups)
    for (const { meta_data: meta } of group.columns) {
      if (!meta || !columns.includes(meta.path_in_schema?.[0] ?? '')) continue;
      const path = getSchemaPath(metadata.schema, meta.path_in_schema);
      const levels = { repetition: getMaxRepetitionLevel(path), definition: getMaxDefinitionLevel(path) };
      const typeBytes = Math.max(8, path.at(-1)?.element.type_length ?? 0);
      await checkColumn(file, group, { meta, levels, typeBytes, compressors });
    }
}

async function checkColumn(file: AsyncBuffer, group: RowGroup, column: Column): Promise<void> {
  const { meta, levels } = column;
  const from = countOf(meta.dictionary_page_offset || meta.data_page_offset, 'offset');
  const bytes = countOf(meta.total_compressed_size, 'size of a column');
  const values = countOf(meta.num_values, 'values');
  if (from + bytes > file.byteLength) throw new Error('a column goes beyond the end of the file');
  if (values > tableLimits.rows) throw new Error(`a column of a row group has ${values} values`);
  if (levels.repetition === 0 && values !== countOf(group.num_rows, 'rows'))
    throw new Error(`a column has ${values} values for ${group.num_rows} rows`);
  const view = new DataView(await file.slice(from, from + bytes));
  const reader = { view, offset: 0 };
  let unpacked = 0;
  let seen = 0;
  while (seen < values && reader.offset < view.byteLength - 1) {
    const header = parquetHeader(reader);
    const packed = countOf(header.compressed_page_size, 'length of a page');
    unpacked += countOf(header.uncompressed_page_size, 'length of a page');
    if (reader.offset + packed > view.byteLength) throw new Error('a page goes beyond the end of its column');
    if (unpacked > tableLimits.rowGroupBytes) throw new Error('the pages of a column are larger than it says');
    seen += checkPage(
      new Uint8Array(view.buffer, view.byteOffset + reader.offset, packed),
      header,
      column,
      values - seen,
    );
    reader.offset += packed;
  }
}

/** @param left values that the column has from this page on @returns those of the page */
function checkPage(bytes: Uint8Array, header: PageHeader, column: Column, left: number): number {
  const { codec } = column.meta;
  const unpack = (part: Uint8Array, length: number) => decompressPage(part, length, codec, column.compressors);
  const { data_page_header: first, data_page_header_v2: second, dictionary_page_header: dictionary } = header;
  if (header.type === 'DICTIONARY_PAGE' && dictionary) {
    if (countOf(dictionary.num_values, 'values') > tableLimits.rows) throw new Error('a dictionary is too large');
    return 0;
  }
  const found = header.type === 'DATA_PAGE' ? first : header.type === 'DATA_PAGE_V2' ? second : undefined;
  if (!found) throw new Error('a page is of no kind that is known');
  const values = countOf(found.num_values, 'values');
  if (values > left) throw new Error(`a page has ${values} values of ${left}`);
  if (first && found === first) {
    const page = unpack(bytes, header.uncompressed_page_size);
    let at = 0;
    for (const level of [column.levels.repetition, column.levels.definition])
      if (level > 0) {
        const length = lengthAt(page, at);
        at += lengthBytes;
        checkRuns(page.subarray(at, at + length), bitsOf(level), values);
        at += length;
      }
    checkValues(page.subarray(at), first.encoding, column, values);
  } else if (second) {
    const lengths = [second.repetition_levels_byte_length, second.definition_levels_byte_length] as const;
    let at = 0;
    for (const [index, level] of [column.levels.repetition, column.levels.definition].entries()) {
      const length = countOf(lengths[index], 'length of levels');
      if (level > 0) checkRuns(bytes.subarray(at, at + length), bitsOf(level), values);
      at += length;
    }
    const nulls = countOf(second.num_nulls, 'nulls');
    if (nulls > values) throw new Error(`a page has ${nulls} nulls among ${values} values`);
    const length = header.uncompressed_page_size - at;
    if (at > bytes.length || length < 0) throw new Error('the levels of a page are longer than the page');
    const packed = bytes.subarray(at);
    const page = second.is_compressed !== false && length > 0 ? unpack(packed, length) : packed;
    checkValues(page, second.encoding, column, values - nulls);
  }
  return values;
}

/** @param atMost as many values as there may be: how many are none stands in the levels */
function checkValues(page: Uint8Array, encoding: string, { meta, typeBytes }: Column, atMost: number) {
  const isBoolean = meta.type === 'BOOLEAN';
  switch (encoding) {
    case 'PLAIN':
      return;
    case 'DELTA_BINARY_PACKED':
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return checkDelta(page);
    case 'DELTA_BYTE_ARRAY':
      return checkPrefixes(page, atMost);
    case 'BYTE_STREAM_SPLIT':
      if (atMost * typeBytes > tableLimits.rowGroupBytes) throw new Error('the values of a page are too large');
      return;
    case 'RLE':
      return isBoolean ? checkRuns(page.subarray(lengthBytes), 1, atMost) : checkIndices(page, atMost);
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return checkIndices(page, atMost);
    default:
      throw new Error(`a page is encoded as ${encoding}, which is not read`);
  }
}

function checkIndices(page: Uint8Array, values: number): void {
  const [width = 0] = page;
  if (width > widestBits) throw new Error(`the indices of a page have ${width} bits`);
  if (width > 0) checkRuns(page.subarray(1), width, values);
}

/** @param bytes from the first run on: of the last what is there must do */
function checkRuns(bytes: Uint8Array, width: number, values: number): void {
  for (let at = 0, seen = 0; seen < values && at < bytes.length; ) {
    const { value: header, next } = varintAt(bytes, at);
    const half = Math.floor(header / 2);
    const isPacked = header % 2 === 1;
    const count = isPacked ? 8 * half : half;
    if (seen + count > values + mostBeyond) throw new Error(`a run of ${count} values is longer than its page`);
    at = next + (isPacked ? half * width : Math.ceil(width / 8));
    seen += count;
  }
}

function checkDelta(bytes: Uint8Array): void {
  const block = varintAt(bytes, 0);
  const miniblocks = varintAt(bytes, block.next);
  if (
    miniblocks.value < 1 ||
    miniblocks.value > mostMiniblocks ||
    block.value < miniblocks.value ||
    block.value > largestBlock
  )
    throw new Error(`a page has blocks of ${block.value} in ${miniblocks.value} parts`);
}

/** Texts that begin as the one before: together they may be far longer than their page. */
function checkPrefixes(page: Uint8Array, values: number): void {
  checkDelta(page);
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
  const [prefixes, suffixes] = [new Int32Array(values), new Int32Array(values)];
  deltaBinaryUnpack(reader, values, prefixes);
  checkDelta(page.subarray(reader.offset));
  deltaBinaryUnpack(reader, values, suffixes);
  let [before, all] = [0, 0];
  for (const [at, prefix] of prefixes.entries()) {
    const suffix = suffixes[at] as number;
    if (prefix < 0 || suffix < 0 || prefix > before) throw new Error('a text begins with more than the one before has');
    before = prefix + suffix;
    all += before;
    if (all > tableLimits.rowGroupBytes) throw new Error('the values of a page are too large');
  }
}

const bitsOf = (level: number) => 32 - Math.clz32(level);

function lengthAt(bytes: Uint8Array, at: number): number {
  if (at + lengthBytes > bytes.length) throw new Error('a page is cut off');
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

const longestVarint = 5;

function varintAt(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let byte = 0; byte < longestVarint; byte++) {
    const part = bytes[at + byte];
    if (part === undefined) throw new Error('a page is cut off');
    value += (part & 127) * 2 ** (7 * byte);
    if (part < 128) {
      if (value >= 2 ** 31) break;
      return { value, next: at + byte + 1 };
    }
  }
  throw new Error('a number of a page is too large');
}

/** A length or a count, which a damaged file may give as anything. */
function countOf(given: unknown, what: string): number {
  const value = typeof given === 'bigint' ? Number(given) : given;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${what}: ${String(given).slice(0, 40)}`);
}
