import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { parseJsonWithin } from '../contracts/json-within.ts';
import { shortened } from '../contracts/short-text.ts';
import { visible } from '../contracts/visible-text.ts';

/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes back to back.
 * Readable from Python and elsewhere, memory-mappable, with no code in it.
 *
 * What is written here is canonical: tensors sorted by name, one header for one content; so equal tensors and metadata
 * give equal bytes, and the SHA-256 of the file stands for the state in it.
 */

/** The types of the format whose elements are whole bytes. Contrail writes few of them; files from elsewhere hold any. */
const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;
export type Dtype = keyof typeof dtypeBytes;

export interface StoredTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly data: Uint8Array;
}

const metadataKey = '__metadata__';
const maximumHeader = 100_000_000;
/** The header, an entry, its shape. */
const headerDepth = 3;
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Encodes tensors without copying them.
 *
 * @returns the pieces of the file in order
 * @throws TypeError when a tensor's bytes do not fit its shape, or a name is used twice
 */
export function encodeSafetensors(
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const sorted = [...tensors].sort((a, b) => compare(a.name, b.name));
  // Put together as text: an object would move names that look like numbers to the front and lose `__proto__`.
  const members = [`${JSON.stringify(metadataKey)}:${metadataText(metadata)}`];
  let offset = 0;
  for (const [index, { name, dtype, shape, data }] of sorted.entries()) {
    if (name === metadataKey) throw new TypeError(`no tensor can be named ${name}`);
    if (sorted[index - 1]?.name === name) throw new TypeError(`two tensors are named ${name}`);
    if (data.byteLength !== size(shape) * dtypeBytes[dtype])
      throw new TypeError(`tensor ${name} has ${data.byteLength} bytes, not those of ${dtype} [${shape}]`);
    const entry = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(`{${members.join(',')}}`);
  const padded = Math.ceil(text.length / 8) * 8;
  const prefix = new Uint8Array(8 + padded).fill(0x20);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(padded), true);
  prefix.set(text, 8);
  return [prefix, ...sorted.map(({ data }) => data)];
}

const metadataText = (metadata: Readonly<Record<string, string>>) =>
  `{${Object.entries(metadata)
    .sort(([a], [b]) => compare(a, b))
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join(',')}}`;

const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(dtypeBytes) as [Dtype, ...Dtype[]]),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

export interface DecodedTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where a tensor's bytes are in its file. */
export interface TensorPlace extends Omit<StoredTensor, 'data'> {
  readonly offset: number;
  readonly bytes: number;
}

export interface DecodedHeader {
  readonly tensors: ReadonlyMap<string, TensorPlace>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Decodes a safetensors file. The tensors are views of `bytes`, not copies.
 *
 * @param name what to call the file in an error
 * @throws ContrailError CorruptArtifact when header, offsets and shapes do not fit each other
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'the file'): DecodedTensors {
  const { tensors, metadata } = decodeSafetensorsHeader(bytes, bytes.length, name);
  return {
    tensors: new Map(
      [...tensors].map(([key, { dtype, shape, offset, bytes: length }]) => [
        key,
        { name: key, dtype, shape, data: bytes.subarray(offset, offset + length) },
      ]),
    ),
    metadata,
  };
}

/**
 * Decodes the header of a safetensors file: what tensors there are, and where.
 *
 * @param bytes the beginning of the file, with the whole header
 * @param fileBytes the size of the file
 * @param name what to call the file in an error
 * @throws ContrailError CorruptArtifact when header, offsets, shapes and the size do not fit each other
 */
export function decodeSafetensorsHeader(bytes: Uint8Array, fileBytes: number, name = 'the file'): DecodedHeader {
  const corrupt = (what: string) =>
    new ContrailError('CorruptArtifact', `${name} is not a sound safetensors file: ${what}.`);
  if (bytes.length < 8) throw corrupt(`it has ${bytes.length} bytes`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = 8 + headerLength;
  if (headerLength > maximumHeader || start > bytes.length)
    throw corrupt(`its header claims ${headerLength} bytes of ${bytes.length}`);
  const header = parseHeader(bytes.subarray(8, start));
  if (!header) throw corrupt('its header is not valid');

  const tensors = new Map<string, TensorPlace>();
  let end = 0;
  for (const [key, { dtype, shape, data_offsets }] of header.entries) {
    const [from, to] = data_offsets;
    if (to - from !== size(shape) * dtypeBytes[dtype])
      throw corrupt(
        `tensor ${shown(key)} has ${to - from} bytes, not those of ${dtype} [${shortened(shape.join(), 100)}]`,
      );
    if (from !== end) throw corrupt(`tensor ${shown(key)} begins at ${from}, not at ${end}`);
    end = to;
    tensors.set(key, { name: key, dtype, shape, offset: start + from, bytes: to - from });
  }
  if (start + end !== fileBytes) throw corrupt(`it has ${fileBytes} bytes, but its tensors end at ${start + end}`);
  return { tensors, metadata: header.metadata };
}

/** A name that a stranger may have written. */
const shown = (name: string) => visible(shortened(name, 100));

type Entry = z.infer<typeof entrySchema>;

/** The header's entries in the order of their bytes, which other writers need not write them in; null if not valid. */
function parseHeader(
  bytes: Uint8Array,
): { readonly entries: readonly (readonly [string, Entry])[]; readonly metadata: Record<string, string> } | null {
  if (bytes[0] !== 0x7b) return null;
  try {
    const members = Object.entries(
      parseJsonWithin(new TextDecoder('utf-8', { fatal: true }).decode(bytes), headerDepth) as object,
    );
    const metadata = members.find(([key]) => key === metadataKey)?.[1] ?? {};
    // Not z.record, which passes over a key named `__proto__`.
    const texts = Object.entries(z.instanceof(Object).parse(metadata)).map(([k, value]) => [
      k,
      z.string().parse(value),
    ]);
    const entries = members
      .filter(([key]) => key !== metadataKey)
      .map(([key, value]) => [key, entrySchema.parse(value)] as const)
      .sort(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1]);
    return { entries, metadata: Object.fromEntries(texts) as Record<string, string> };
  } catch {
    return null;
  }
}

/** The tensor's values; a view where its bytes are aligned, else a copy. */
export function float32({ name, dtype, data }: StoredTensor): Float32Array {
  if (dtype !== 'F32') throw new ContrailError('CorruptArtifact', `Tensor ${shown(name)} is ${dtype}, not F32.`);
  const aligned = data.byteOffset % 4 === 0 ? data : new Uint8Array(data);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

/** The tensor's values; a view where its bytes are aligned, else a copy. */
export function int32({ name, dtype, data }: StoredTensor): Int32Array {
  if (dtype !== 'I32') throw new ContrailError('CorruptArtifact', `Tensor ${shown(name)} is ${dtype}, not I32.`);
  const aligned = data.byteOffset % 4 === 0 ? data : new Uint8Array(data);
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

/** The bytes of a typed array, not copied. */
export const bytesOf = (array: Float32Array | Int32Array | Uint8Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
