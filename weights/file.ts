import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { formatBytes } from '../contracts/limits.ts';
import { shortened } from '../contracts/short-text.ts';
import { visible } from '../contracts/visible-text.ts';
import {
  type DecodedHeader,
  decodeSafetensorsHeader,
  type StoredTensor,
  type TensorPlace,
  withRegularFile,
} from '../store/index.ts';

/** How much of a file from elsewhere is taken. */
export const weightLimits = { bytes: 16 * 2 ** 30, headerBytes: 16 * 2 ** 20, tensors: 20_000, rank: 8 } as const;

const pieceBytes = 4 * 2 ** 20;

/** A file of weights, read once from its beginning to its end. */
export interface WeightFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly header: DecodedHeader;
  /** Those that were chosen, by their names in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

export interface ReadingOptions {
  /** Is told the digest; may throw. */
  readonly requireDigest?: (sha256: string) => void;
  readonly signal?: AbortSignal;
  /** Is told how many bytes were read, of how many, again and again; may throw, which ends the reading. */
  readonly onRead?: (done: number, total: number) => void;
}

/**
 * Reads a safetensors file that somebody else wrote: its header, and of its tensors those that are wanted. The digest is of the very bytes
 * that were read, so a file that is replaced meanwhile is noticed.
 *
 * @param name what to call the file in an error
 * @param choose is given the header; what it throws is thrown only after `requireDigest` had its say, since a file of another digest
 * is another file, whatever is in it
 * @throws ContrailError InvalidInput where it is no such file, or larger than may be
 * @throws the signal's reason; the system's error where it cannot be opened
 */
export async function readWeightFile(
  path: string,
  name: string,
  choose: (header: DecodedHeader) => readonly string[],
  { requireDigest = () => {}, signal, onRead = () => {} }: ReadingOptions = {},
): Promise<WeightFile> {
  const read = await withRegularFile(path, 'followed', async (file, { size }) => {
    requireSize(size, name);
    const source = createSource(file, size, name, () => signal?.throwIfAborted(), onRead);
    const header = await attempted(async () => chosen(await readHeader(source, size, name), choose));
    const tensors = new Map<string, StoredTensor>();
    if (header.ok)
      for (const place of inFileOrder(header.value.header)) {
        if (!header.value.wanted.has(place.name)) continue;
        await source.skipTo(place.offset);
        tensors.set(place.name, tensorOf(place, await source.read(place.bytes)));
      }
    await source.skipTo(size);
    const sha256 = source.digest();
    requireDigest(sha256);
    if (!header.ok) throw header.error;
    return { sha256, bytes: size, header: header.value.header, tensors };
  });
  if (!read) throw new ContrailError('InvalidInput', `${name} is not a regular file.`);
  return read;
}

const chosen = (header: DecodedHeader, choose: (header: DecodedHeader) => readonly string[]) => ({
  header,
  wanted: new Set(choose(header)),
});

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

async function attempted<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error };
  }
}

const tensorOf = ({ name, dtype, shape }: TensorPlace, data: Uint8Array): StoredTensor => ({
  name,
  dtype,
  shape,
  data,
});

const inFileOrder = ({ tensors }: DecodedHeader) => [...tensors.values()].sort((a, b) => a.offset - b.offset);

/** Before anything is read: the digest of what is too large takes for ever. */
function requireSize(size: number, name: string): void {
  if (size > weightLimits.bytes)
    throw new ContrailError(
      'InvalidInput',
      `${name} has ${formatBytes(size)}; at most ${formatBytes(weightLimits.bytes)} are read.`,
    );
}

async function readHeader(source: Source, size: number, name: string): Promise<DecodedHeader> {
  const refuse = (what: string) => new ContrailError('InvalidInput', `${name} ${what}`);
  const length = await source.read(Math.min(8, size));
  if (length.length < 8) throw refuse(`is not a safetensors file: it has ${times(size, 'byte')}.`);
  const headerBytes = Number(new DataView(length.buffer).getBigUint64(0, true));
  if (headerBytes > weightLimits.headerBytes || 8 + headerBytes > size)
    throw refuse(
      `is not a safetensors file: its header claims ${headerBytes} bytes. PyTorch's own files (.bin, .pth) can run code and are not read; save the state dict by safetensors.torch.save_file.`,
    );
  const text = await source.read(headerBytes);
  let header: DecodedHeader;
  try {
    header = decodeSafetensorsHeader(Buffer.concat([length, text]), size, name);
  } catch (error) {
    throw refuse(`is not a safetensors file (${error instanceof Error ? error.message : String(error)})`);
  }
  if (header.tensors.size > weightLimits.tensors)
    throw refuse(`has ${header.tensors.size} tensors; at most ${weightLimits.tensors} are read.`);
  for (const { name: tensor, shape } of header.tensors.values())
    if (shape.length > weightLimits.rank)
      throw refuse(
        `holds ${visible(shortened(tensor, 100))} with ${shape.length} axes; at most ${weightLimits.rank} are read.`,
      );
  return header;
}

/** A file that is read forward only, and digested on the way. */
interface Source {
  readonly read: (bytes: number) => Promise<Uint8Array>;
  readonly skipTo: (offset: number) => Promise<void>;
  readonly digest: () => string;
}

function createSource(
  file: FileHandle,
  size: number,
  name: string,
  stopIfAsked: () => void,
  onRead: (done: number, total: number) => void,
): Source {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(Math.max(1, Math.min(pieceBytes, size)));
  let at = 0;
  const into = async (target: Uint8Array): Promise<void> => {
    for (let done = 0; done < target.length; ) {
      stopIfAsked();
      const { bytesRead } = await file.read(target, done, Math.min(pieceBytes, target.length - done), at);
      if (bytesRead === 0)
        throw new ContrailError('InvalidInput', `${name} became shorter while it was read. Read it again.`);
      hash.update(target.subarray(done, done + bytesRead));
      done += bytesRead;
      at += bytesRead;
      onRead(at, size);
    }
  };
  return {
    read: async (bytes) => {
      const target = new Uint8Array(bytes);
      await into(target);
      return target;
    },
    skipTo: async (offset) => {
      while (at < offset) await into(piece.subarray(0, Math.min(piece.length, offset - at)));
    },
    digest: () => hash.digest('hex'),
  };
}
