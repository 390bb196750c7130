import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import { decodeStored } from '../encode.ts';
import type { DecodeAnswer, DecodeRequest, StoredImage } from './messages.ts';

/** A thread that reads images of shards and decodes them, one after the other. */

// No image is read twice, and what libvips keeps is memory.
sharp.cache(false);

const port = parentPort;
const answer = (message: DecodeAnswer, transfer: ArrayBuffer[] = []) => port?.postMessage(message, transfer);

let last: Promise<void> = Promise.resolve();
port?.on('message', (request: DecodeRequest) => {
  last = last.then(() => decode(request));
});

async function decode({ id, images, side, channels }: DecodeRequest): Promise<void> {
  const size = side * side * channels;
  const pixels = new Uint8Array(images.length * size);
  for (const [at, image] of images.entries()) {
    try {
      pixels.set(await decodeStored(readImage(image), side, channels), at * size);
    } catch (error) {
      return answer({ id, failed: at, why: error instanceof Error ? error.message : String(error) });
    }
  }
  answer({ id, pixels }, [pixels.buffer]);
}

function readImage({ fd, position, bytes }: StoredImage): Uint8Array {
  const file = Buffer.allocUnsafeSlow(bytes);
  if (readSync(fd, file, 0, bytes, position) < bytes) throw new Error('the file ends before');
  return file;
}
