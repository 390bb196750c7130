import type { DatasetAbout } from '../contracts/artifacts.ts';
import { type ArtifactWriter, bytesOf, decodeSafetensors, encodeSafetensors, int32 } from '../store/index.ts';
import { inColour } from './channels.ts';
import { preparedSide } from './fit.ts';
import type { PreparedImage } from './read-images.ts';
import { digestBytes } from './row-digests.ts';

const defaultShardBytes = 64 * 2 ** 20;
const pixelsOfImage = preparedSide * preparedSide;

/**
 * Writes the splits of a data set in files of a limited size.
 *
 * Owns: the shard that is being filled; it alone is in memory. It becomes a file when it is full.
 *
 * I1. All shards have the same number of channels: grey until the first image in colour, which repeats the grey of all before.
 * I2. How many rows a full shard has does not depend on the channels, so the boundaries are the same either way.
 */
export interface ShardWriter {
  /** @returns what there is to say about the split */
  readonly write: (name: string, images: AsyncIterable<PreparedImage>) => Promise<DatasetAbout['splits']['train']>;
  /** Of the images so far. */
  readonly channels: () => 1 | 3;
}

/** @param shardBytes the most bytes of images in one file; one image at least is in each */
export function createShardWriter(
  artifact: Pick<ArtifactWriter, 'add' | 'take'>,
  { classes, shardBytes = defaultShardBytes }: { readonly classes: number; readonly shardBytes?: number | undefined },
): ShardWriter {
  const capacity = Math.max(1, Math.floor(shardBytes / (pixelsOfImage * 3)));
  const written: string[] = [];
  const labels = new Int32Array(capacity);
  let channels: 1 | 3 = 1;
  let images = new Uint8Array(capacity * pixelsOfImage);

  const add = (file: string, pixels: Uint8Array, own: Int32Array) =>
    artifact.add(
      file,
      encodeSafetensors([
        { name: 'images', dtype: 'U8', shape: [own.length, preparedSide, preparedSide, channels], data: pixels },
        { name: 'labels', dtype: 'I32', shape: [own.length], data: bytesOf(own) },
      ]),
    );

  /** @param filled images in the shard that is being filled: no others are worth turning */
  const turnToColour = async (filled: number) => {
    const colour = inColour(images.subarray(0, filled * pixelsOfImage));
    channels = 3;
    images = new Uint8Array(capacity * pixelsOfImage * 3);
    images.set(colour);
    for (const file of written) {
      const { tensors } = decodeSafetensors(await artifact.take(file), file);
      const [pixels, own] = [tensors.get('images'), tensors.get('labels')];
      if (!pixels || !own) throw new Error('a shard has images and labels');
      await add(file, inColour(pixels.data), int32(own));
    }
  };

  return {
    channels: () => channels,
    write: async (name, source) => {
      const shards: { file: string; count: number }[] = [];
      const perClass = new Array<number>(classes).fill(0);
      const digests: PreparedImage['digests'][] = [];
      let filled = 0;
      const flush = async () => {
        if (filled === 0) return;
        const file = `${name}-${String(shards.length).padStart(5, '0')}.safetensors`;
        await add(file, images.subarray(0, filled * pixelsOfImage * channels), labels.subarray(0, filled));
        written.push(file);
        shards.push({ file, count: filled });
        filled = 0;
      };
      for await (const image of source) {
        digests.push(image.digests);
        if (image.channels > channels) await turnToColour(filled);
        const pixels = image.channels === channels ? image.pixels : inColour(image.pixels);
        images.set(pixels, filled * pixelsOfImage * channels);
        labels[filled++] = image.label;
        perClass[image.label] = (perClass[image.label] ?? 0) + 1;
        if (filled === capacity) await flush();
      }
      await flush();
      const count = digests.length;
      if (count === 0) return { shards, count, perClass };
      const tensor = (which: 'source' | 'pixels') => ({
        name: which,
        dtype: 'U8' as const,
        shape: [count, digestBytes],
        data: Buffer.concat(digests.map((each) => each[which])),
      });
      const file = `${name}-digests.safetensors`;
      await artifact.add(file, encodeSafetensors([tensor('source'), tensor('pixels')]));
      return { shards, count, perClass, digests: file };
    },
  };
}
