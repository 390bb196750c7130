import { createHash } from 'node:crypto';
import { read as readAt } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import {
  type ArtifactManifest,
  type ArtifactRef,
  type DatasetAbout,
  type FileEntry,
  type SplitName,
  splitOf,
} from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import {
  artifactFolder,
  damaged,
  datasetAboutOf,
  decodeSafetensorsHeader,
  int32,
  localArtifactFile,
  readArtifact,
  type Store,
  type TensorPlace,
} from '../store/index.ts';
import type { StoredImage } from './decode-pool/messages.ts';
import { decodePool, UndecodableImage } from './decode-pool/pool.ts';

/** Bytes hashed at a time. */
const hashedAtOnce = 4 * 2 ** 20;
/** More than the header of a shard, which names three tensors at most. */
const headerRoom = 64 * 2 ** 10;

/** A split of a prepared data set that stays in the store; rows are read as they are wanted. */
export interface OpenSplit {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /**
   * Reads rows, all at once. A file is checked against its digest before the first of its rows is used.
   *
   * @param images bytes [rows, height, width, channels], filled in the order of the rows
   * @param labels [rows], filled likewise
   * @throws ContrailError CorruptArtifact
   */
  readonly read: (rows: Int32Array, images: Uint8Array, labels: Int32Array) => Promise<void>;
  /**
   * The label of each row, or of the first rows only. Checks every file that holds them.
   *
   * @param without files of the data set that are left alone: their rows have -1
   * @throws ContrailError CorruptArtifact
   */
  readonly labels: (rows?: number, without?: ReadonlySet<string>) => Promise<Int32Array>;
  /** To be called when no read is under way. */
  readonly close: () => Promise<void>;
}

/** The same with what is behind it. */
export interface SplitOfFiles extends OpenSplit {
  /** Reads the files that the images of some rows are kept as; null where pixels are kept. @throws ContrailError CorruptArtifact */
  readonly readFiles: ((rows: Int32Array) => Promise<readonly Uint8Array[]>) | null;
}

/** A shard's file, found to be what the manifest says. */
interface CheckedShard {
  readonly fd: number;
  /** Where the images begin in the file. */
  readonly offset: number;
  readonly labels: Int32Array;
  /** Where the file of each image ends, counted from there; null where they are pixels. */
  readonly ends: Int32Array | null;
}

export interface HowToRead {
  /**
   * Images in the size that steps train and measure on, or as they are kept, with room for random crops. They are the same
   * where pixels are kept.
   *
   * @default prepared
   */
  readonly as?: 'prepared' | 'stored' | undefined;
  /** Threads that decode images; it changes no pixel. @default as many as there are cores */
  readonly threads?: number | undefined;
}

interface Shard {
  readonly file: string;
  /** Rows of the split before its own. */
  readonly first: number;
  readonly count: number;
  checked?: Promise<CheckedShard>;
}

/**
 * Opens a split. Nothing but the manifest is read before the first row is.
 *
 * @param onCheck called again and again while files are checked, with the images of those that were, and of all
 * @throws ContrailError CorruptArtifact
 */
export async function openSplit(
  store: Store,
  ref: ArtifactRef,
  name: SplitName,
  onCheck: (done: number, total: number) => void = () => {},
  { as = 'prepared', threads }: HowToRead = {},
): Promise<SplitOfFiles> {
  const manifest = await readArtifact(store, ref);
  const about = datasetAboutOf(manifest, ref);
  const { stored } = about;
  const { channels } = about.image;
  const [height, width] =
    stored && as === 'stored' ? [stored.side, stored.side] : [about.image.height, about.image.width];
  const { count } = splitOf(about, name);
  const size = height * width * channels;
  const shards = shardsOf(about, name);
  const handles: FileHandle[] = [];
  let checkedImages = 0;
  let queue: Promise<unknown> = Promise.resolve();

  const check = async (shard: Shard): Promise<CheckedShard> => {
    const entry = entryOf(ref, manifest, shard.file);
    const handle = await openShard(store, ref, entry);
    handles.push(handle);
    await verify(store, ref, entry, handle, () => onCheck(checkedImages, count));
    const checked = await locate(handle, shard, stored ? null : [shard.count, height, width, channels]);
    checkedImages += shard.count;
    onCheck(checkedImages, count);
    return checked;
  };
  /** One after the other: hashing is this thread's own work, so that more at a time would only take more memory. */
  const checkedOnce = (shard: Shard): Promise<CheckedShard> => {
    if (!shard.checked) {
      shard.checked = queue.then(() => check(shard));
      queue = shard.checked.catch(() => {});
    }
    return shard.checked;
  };

  /** The shard of each row, and those shards once they are checked. */
  const shardsOfRows = async (rows: Int32Array) => {
    const wanted = Array.from(rows, (row) => shardOfRow(shards, row));
    const checked = new Map<Shard, CheckedShard>();
    for (const shard of new Set(wanted)) checked.set(shard, await checkedOnce(shard));
    return wanted.map((shard) => ({ shard, ...(checked.get(shard) as CheckedShard) }));
  };

  const placeOf = ({ shard, fd, offset, ends }: CheckedShard & { readonly shard: Shard }, row: number): StoredImage => {
    const begin = ends?.[row - shard.first - 1] ?? 0;
    return { fd, position: offset + begin, bytes: (ends?.[row - shard.first] ?? begin) - begin };
  };

  const readEncoded = async (rows: Int32Array, images: Uint8Array, labels: Int32Array) => {
    const wanted = await shardsOfRows(rows);
    const places = wanted.map((of, at) => {
      const row = rows[at] as number;
      labels[at] = of.labels[row - of.shard.first] as number;
      return placeOf(of, row);
    });
    try {
      await decodePool(threads).decode(places, { side: height, channels }, images);
    } catch (error) {
      if (!(error instanceof UndecodableImage)) throw error;
      const { shard } = wanted[error.image] as (typeof wanted)[number];
      const row = (rows[error.image] as number) - shard.first;
      throw new ContrailError(
        'CorruptArtifact',
        `Image ${row} of ${store.locate(`${artifactFolder(ref)}/${shard.file}`)} cannot be decoded: ${error.message}.`,
        { cause: error },
      );
    }
  };

  return {
    count,
    height,
    width,
    channels,
    read: async (rows, images, labels) => {
      if (stored) return readEncoded(rows, images, labels);
      const wanted = await shardsOfRows(rows);
      const reads: Promise<void>[] = [];
      for (let from = 0, to = 0; from < rows.length; from = to) {
        const { shard, fd, offset, labels: known } = wanted[from] as (typeof wanted)[number];
        const row = (rows[from] as number) - shard.first;
        // Rows that follow each other in the file are one read.
        for (
          to = from;
          to < rows.length && wanted[to]?.shard === shard && rows[to] === (rows[from] as number) + to - from;
          to++
        )
          labels[to] = known[row + to - from] as number;
        const target = images.subarray(from * size, to * size);
        reads.push(
          readFully(fd, target, offset + row * size, () => store.locate(`${artifactFolder(ref)}/${shard.file}`)),
        );
      }
      // Not the first failure: nothing may write into the buffers after this has returned.
      const failed = (await Promise.allSettled(reads)).find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    },
    readFiles: stored
      ? async (rows) => {
          const wanted = await shardsOfRows(rows);
          return Promise.all(
            wanted.map(async (of, at) => {
              const { fd, position, bytes } = placeOf(of, rows[at] as number);
              const file = new Uint8Array(bytes);
              await readFully(fd, file, position, () => store.locate(`${artifactFolder(ref)}/${of.shard.file}`));
              return file;
            }),
          );
        }
      : null,
    labels: async (rows = count, without = new Set()) => {
      const labels = new Int32Array(rows).fill(-1);
      for (const shard of shards.filter(({ first, file }) => first < rows && !without.has(file)))
        labels.set((await checkedOnce(shard)).labels.subarray(0, rows - shard.first), shard.first);
      return labels;
    },
    close: async () => {
      await queue;
      for (const handle of handles.splice(0)) await handle.close();
    },
  };
}

function shardsOf(about: DatasetAbout, name: SplitName): Shard[] {
  let first = 0;
  return splitOf(about, name).shards.map(({ file, count }) => {
    first += count;
    return { file, count, first: first - count };
  });
}

/** By bisection: the last shard that begins at or before the row. */
function shardOfRow(shards: readonly Shard[], row: number): Shard {
  let [low, high] = [0, shards.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((shards[middle] as Shard).first <= row) low = middle;
    else high = middle - 1;
  }
  const shard = shards[low];
  if (!shard || row < shard.first || row >= shard.first + shard.count) throw new RangeError(`there is no row ${row}`);
  return shard;
}

function entryOf(ref: ArtifactRef, { files }: ArtifactManifest, file: string): FileEntry {
  const entry = files.find(({ path }) => path === file);
  if (entry) return entry;
  throw new ContrailError('CorruptArtifact', `The data set ${ref.digest} has no file ${file}.`);
}

const openShard = async (store: Store, ref: ArtifactRef, entry: FileEntry): Promise<FileHandle> =>
  open(await localArtifactFile(store, ref, entry), 'r');

/** Checks size and SHA-256 through the handle that the rows will be read through. */
async function verify(
  store: Store,
  ref: ArtifactRef,
  entry: FileEntry,
  handle: FileHandle,
  onPiece: () => void,
): Promise<void> {
  const path = `${artifactFolder(ref)}/${entry.path}`;
  const { size } = await handle.stat();
  if (size !== entry.bytes) throw damaged(store, ref, path, `${entry.bytes} bytes`, String(size));
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafeSlow(Math.min(hashedAtOnce, size));
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
    onPiece();
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== entry.sha256) throw damaged(store, ref, path, `SHA-256 ${entry.sha256}`, sha256);
}

/** Finds the tensors of a shard, and reads all but its images. @param shape of these; null where they are files */
async function locate(
  handle: FileHandle,
  { file, count }: Shard,
  shape: readonly number[] | null,
): Promise<CheckedShard> {
  const { size } = await handle.stat();
  const head = Buffer.alloc(Math.min(headerRoom, size));
  await readFully(handle.fd, head, 0, () => file);
  const { tensors } = decodeSafetensorsHeader(head, size, file);
  const isOf = (place: TensorPlace | undefined, dtype: string, expected: readonly number[]) =>
    place?.dtype === dtype && place.shape.join() === expected.join();
  const numbersOf = async (name: string): Promise<Int32Array | null> => {
    const place = tensors.get(name);
    if (!place || !isOf(place, 'I32', [count])) return null;
    const data = new Uint8Array(place.bytes);
    await readFully(handle.fd, data, place.offset, () => file);
    return int32({ ...place, data });
  };
  const images = tensors.get('images');
  const labels = await numbersOf('labels');
  const ends = shape ? null : await numbersOf('ends');
  if (!images || !labels || (shape ? !isOf(images, 'U8', shape) : !ends || !areEnds(ends, images.bytes)))
    throw new ContrailError('CorruptArtifact', `${file} lacks images or labels of the shapes that its data set names.`);
  return { fd: handle.fd, offset: images.offset, labels, ends };
}

/** Whether images one after the other, none of them empty, end there and fill so many bytes. */
const areEnds = (ends: Int32Array, bytes: number): boolean =>
  ends.every((end, row) => end > (ends[row - 1] ?? 0)) && ends.at(-1) === bytes;

/**
 * Hands the read to the library's own threads at once; they go on while a native call keeps JavaScript waiting.
 *
 * @throws ContrailError CorruptArtifact when the file ends before
 */
function readFully(fd: number, target: Uint8Array, position: number, nameOf: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    readAt(fd, target, 0, target.length, position, (error, bytesRead) => {
      if (error) reject(error);
      else if (bytesRead < target.length)
        reject(new ContrailError('CorruptArtifact', `${nameOf()} became shorter while it was read.`));
      else resolve();
    });
  });
}
