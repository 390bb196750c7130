import type { DatasetAbout } from '../contracts/artifacts.ts';
import { type ArtifactWriter, bytesOf, decodeSafetensors, encodeSafetensors, int32 } from '../store/index.ts';
import { inColour } from './channels.ts';
import { preparedSide } from './fit.ts';
import type { PreparedImage } from './read-images.ts';
import { digestBytes } from './row-digests.ts';

const defaultShardBytes = 64 * 2 ** 20;
const pixelsOfImage = preparedSide * preparedSide;

/**
 * Writes the splits of a data set in files of a limited size. Rows of several splits may come in any order, one at a time.
 *
 * Owns: the shard of each split that is being filled; these alone are in memory. One becomes a file when it is full.
 *
 * I1. All shards have the same number of channels: grey until the first image in colour, which repeats the grey of all before.
 * I2. How many rows a full shard has does not depend on the channels, so the boundaries are the same either way.
 */
export interface ShardWriter {
  readonly add: (split: string, image: PreparedImage) => Promise<void>;
  /** Writes what is left of a split. @returns what there is to say about it */
  readonly finish: (split: string) => Promise<DatasetAbout['splits']['train']>;
  /** Of the images so far. */
  readonly channels: () => 1 | 3;
}

/** A split that is being written. */
interface Filling {
  readonly shards: { file: string; count: number }[];
  readonly perClass: number[];
  readonly digests: PreparedImage['digests'][];
  readonly labels: Int32Array;
  images: Uint8Array;
  /** Rows in the shard that is being filled. */
  filled: number;
}

/** @param shardBytes the most bytes of images in one file; one image at least is in each */
export function createShardWriter(
  artifact: Pick<ArtifactWriter, 'add' | 'take'>,
  { classes, shardBytes = defaultShardBytes }: { readonly classes: number; readonly shardBytes?: number | undefined },
): ShardWriter {
  const capacity = Math.max(1, Math.floor(shardBytes / (pixelsOfImage * 3)));
  const open = new Map<string, Filling>();
  const written: string[] = [];
  let channels: 1 | 3 = 1;

  const fillingOf = (split: string): Filling => {
    const known = open.get(split);
    if (known) return known;
    const filling = {
      shards: [],
      perClass: new Array<number>(classes).fill(0),
      digests: [],
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
        { name: 'images', dtype: 'U8', shape: [own.length, preparedSide, preparedSide, channels], data: pixels },
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

  const flush = async (split: string, filling: Filling) => {
    const { shards, images, labels, filled } = filling;
    if (filled === 0) return;
    const file = `${split}-${String(shards.length).padStart(5, '0')}.safetensors`;
    await addFile(file, images.subarray(0, filled * pixelsOfImage * channels), labels.subarray(0, filled));
    written.push(file);
    shards.push({ file, count: filled });
    filling.filled = 0;
  };

  const add: ShardWriter['add'] = async (split, image) => {
    const filling = fillingOf(split);
    filling.digests.push(image.digests);
    if (image.channels > channels) await turnToColour();
    const pixels = image.channels === channels ? image.pixels : inColour(image.pixels);
    filling.images.set(pixels, filling.filled * pixelsOfImage * channels);
    filling.labels[filling.filled++] = image.label;
    filling.perClass[image.label] = (filling.perClass[image.label] ?? 0) + 1;
    if (filling.filled === capacity) await flush(split, filling);
  };

  const finish: ShardWriter['finish'] = async (split) => {
    const filling = open.get(split);
    if (!filling) return { shards: [], count: 0, perClass: new Array<number>(classes).fill(0) };
    await flush(split, filling);
    open.delete(split);
    const { shards, perClass, digests } = filling;
    const count = digests.length;
    const tensor = (which: 'source' | 'pixels') => ({
      name: which,
      dtype: 'U8' as const,
      shape: [count, digestBytes],
      data: Buffer.concat(digests.map((each) => each[which])),
    });
    const file = `${split}-digests.safetensors`;
    await artifact.add(file, encodeSafetensors([tensor('source'), tensor('pixels')]));
    return { shards, count, perClass, digests: file };
  };

  return { add, finish, channels: () => channels };
}
