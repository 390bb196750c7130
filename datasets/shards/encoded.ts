import { bytesOf, encodeSafetensors } from '../../store/index.ts';
import { type ShardArtifact, type ShardFiles, shardName } from './shard-files.ts';

const defaultShardBytes = 16 * 2 ** 20;

interface Filling {
  readonly shards: { file: string; count: number }[];
  images: Uint8Array[];
  labels: number[];
  bytes: number;
}

/** Shards of images in files: a shard is full when the next image would take it past its size. */
export function createEncodedShards(artifact: ShardArtifact, shardBytes = defaultShardBytes): ShardFiles {
  const open = new Map<string, Filling>();
  let channels: 1 | 3 = 1;

  const flush = async (split: string, filling: Filling) => {
    const { shards, images, labels } = filling;
    if (images.length === 0) return;
    const file = shardName(split, shards.length);
    let end = 0;
    const ends = Int32Array.from(images, ({ length }) => (end += length));
    await artifact.add(
      file,
      encodeSafetensors([
        { name: 'images', dtype: 'U8', shape: [end], data: Buffer.concat(images) },
        { name: 'ends', dtype: 'I32', shape: [images.length], data: bytesOf(ends) },
        { name: 'labels', dtype: 'I32', shape: [labels.length], data: bytesOf(Int32Array.from(labels)) },
      ]),
    );
    shards.push({ file, count: images.length });
    Object.assign(filling, { images: [], labels: [], bytes: 0 });
  };

  return {
    add: async (split, { encoded, channels: own, label }) => {
      if (!encoded) throw new Error('a data set that keeps files is given files');
      const filling = open.get(split) ?? { shards: [], images: [], labels: [], bytes: 0 };
      open.set(split, filling);
      if (filling.bytes + encoded.length > shardBytes) await flush(split, filling);
      filling.images.push(encoded);
      filling.labels.push(label);
      filling.bytes += encoded.length;
      if (own > channels) channels = own;
    },
    finish: async (split) => {
      const filling = open.get(split);
      if (!filling) return [];
      await flush(split, filling);
      open.delete(split);
      return filling.shards;
    },
    channels: () => channels,
  };
}
