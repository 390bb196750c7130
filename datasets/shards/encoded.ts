import { bytesOf, encodeSafetensors, joined } from '../../store/index.ts';
import { type Filling, finishing, type ShardArtifact, type ShardFiles, shardName } from './shard-files.ts';

const defaultShardBytes = 16 * 2 ** 20;

interface EncodedFilling extends Filling {
  images: Uint8Array[];
  labels: number[];
  bytes: number;
}

/** Shards of images in files: a shard is full when the next image would take it past its size. */
export function createEncodedShards(artifact: ShardArtifact, shardBytes = defaultShardBytes): ShardFiles {
  const open = new Map<string, EncodedFilling>();
  let channels: 1 | 3 = 1;

  const flush = async (split: string, filling: EncodedFilling) => {
    const { shards, images, labels } = filling;
    if (images.length === 0) return;
    const file = shardName(split, shards.length);
    await artifact.add(
      file,
      encodeSafetensors([
        ...joined('images', images),
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
    finish: finishing(open, flush),
    channels: () => channels,
  };
}
