import { bytesOf, decodeSafetensors, encodeSafetensors, int32 } from '../../store/index.ts';
import { inColour } from '../channels.ts';
import { type Filling, finishing, type ShardArtifact, type ShardFiles, shardName } from './shard-files.ts';

const defaultShardBytes = 64 * 2 ** 20;

interface RawFilling extends Filling {
  readonly labels: Int32Array;
  images: Uint8Array;
  /** Rows in the shard that is being filled. */
  filled: number;
}

/**
 * Shards of pixels.
 *
 * I1. All shards have the same number of channels: grey until the first image in colour, which repeats the grey of all before.
 * I2. How many rows a full shard has does not depend on the channels, so the boundaries are the same either way.
 */
export function createRawShards(
  artifact: ShardArtifact,
  { side, shardBytes = defaultShardBytes }: { readonly side: number; readonly shardBytes?: number | undefined },
): ShardFiles {
  const pixelsOfImage = side * side;
  const capacity = Math.max(1, Math.floor(shardBytes / (pixelsOfImage * 3)));
  const open = new Map<string, RawFilling>();
  const written: string[] = [];
  let channels: 1 | 3 = 1;

  const fillingOf = (split: string): RawFilling => {
    const known = open.get(split);
    if (known) return known;
    const filling = {
      shards: [],
      labels: new Int32Array(capacity),
      images: new Uint8Array(capacity * pixelsOfImage * channels),
      filled: 0,
    };
    open.set(split, filling);
    return filling;
  };

  const addFile = (file: string, pixels: Uint8Array, own: Int32Array) =>
    artifact.add(
      file,
      encodeSafetensors([
        { name: 'images', dtype: 'U8', shape: [own.length, side, side, channels], data: pixels },
        { name: 'labels', dtype: 'I32', shape: [own.length], data: bytesOf(own) },
      ]),
    );

  const turnToColour = async () => {
    channels = 3;
    for (const filling of open.values()) {
      const colour = inColour(filling.images.subarray(0, filling.filled * pixelsOfImage));
      filling.images = new Uint8Array(capacity * pixelsOfImage * 3);
      filling.images.set(colour);
    }
    for (const file of written) {
      const { tensors } = decodeSafetensors(await artifact.take(file), file);
      const [pixels, own] = [tensors.get('images'), tensors.get('labels')];
      if (!pixels || !own) throw new Error('a shard has images and labels');
      await addFile(file, inColour(pixels.data), int32(own));
    }
  };

  const flush = async (split: string, filling: RawFilling) => {
    const { shards, images, labels, filled } = filling;
    if (filled === 0) return;
    const file = shardName(split, shards.length);
    await addFile(file, images.subarray(0, filled * pixelsOfImage * channels), labels.subarray(0, filled));
    written.push(file);
    shards.push({ file, count: filled });
    filling.filled = 0;
  };

  return {
    add: async (split, image) => {
      const filling = fillingOf(split);
      if (image.channels > channels) await turnToColour();
      const pixels = image.channels === channels ? image.pixels : inColour(image.pixels);
      filling.images.set(pixels, filling.filled * pixelsOfImage * channels);
      filling.labels[filling.filled++] = image.label;
      if (filling.filled === capacity) await flush(split, filling);
    },
    finish: finishing(open, flush),
    channels: () => channels,
  };
}
