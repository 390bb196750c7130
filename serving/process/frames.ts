import { ContrailError } from '../../contracts/errors.ts';
import { parseJsonWithin } from '../../contracts/json-within.ts';
import { formatBytes } from '../../contracts/limits.ts';

/**
 * Frames on a stream: length of the header, length of the body, both u32 in little-endian order; the header, a JSON object; the
 * body, any bytes.
 */

const prefixBytes = 8;
/** Names of classes stand in a header; images and embeddings in a body. */
const mostHeaderBytes = 64 * 2 ** 20;
const mostBodyBytes = 2 ** 30;

export interface Frame {
  readonly header: unknown;
  readonly body: Buffer;
}

/** A frame as the pieces to be written one after the other; the body is not copied. */
export function encodeFrame(header: object, bodies: readonly Uint8Array[] = []): readonly Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32LE(json.length, 0);
  prefix.writeUInt32LE(
    bodies.reduce((sum, { byteLength }) => sum + byteLength, 0),
    4,
  );
  return [prefix, json, ...bodies];
}

/**
 * Takes a stream in pieces, and gives its frames.
 *
 * @param onFrame hears of each frame; its body is memory of its own
 * @returns takes the next piece; it throws TrainerCrashed where that is no frame, after which it must not be called again
 */
export function createFrameReader(onFrame: (frame: Frame) => void): (piece: Buffer) => void {
  let pieces: Buffer[] = [];
  let available = 0;
  let lengths: { readonly header: number; readonly body: number } | null = null;

  const take = (bytes: number): Buffer => {
    // At an address that suits every type of number.
    const taken = Buffer.allocUnsafeSlow(bytes);
    let filled = 0;
    while (filled < bytes) {
      const [first] = pieces as [Buffer, ...Buffer[]];
      const part = first.subarray(0, bytes - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === first.length) pieces.shift();
      else pieces[0] = first.subarray(part.length);
    }
    available -= bytes;
    return taken;
  };

  return (piece) => {
    if (piece.length > 0) pieces.push(piece);
    available += piece.length;
    for (;;) {
      if (!lengths) {
        if (available < prefixBytes) return;
        const prefix = take(prefixBytes);
        lengths = { header: prefix.readUInt32LE(0), body: prefix.readUInt32LE(4) };
        if (lengths.header > mostHeaderBytes || lengths.body > mostBodyBytes) {
          pieces = [];
          throw unreadable(
            `announces ${formatBytes(lengths.header)} and ${formatBytes(lengths.body)}, which is more than a message has`,
          );
        }
      }
      if (available < lengths.header + lengths.body) return;
      const header = jsonOf(take(lengths.header));
      const body = take(lengths.body);
      lengths = null;
      onFrame({ header, body });
    }
  };
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return parseJsonWithin(bytes.toString('utf8'));
  } catch (cause) {
    throw unreadable('has a header that is no JSON', cause);
  }
}

const unreadable = (why: string, cause?: unknown) =>
  new ContrailError('TrainerCrashed', `A message between the processes of a model ${why}.`, { cause });
