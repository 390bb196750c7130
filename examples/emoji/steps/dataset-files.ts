import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'contrail/define';

/** An image of a prepared data set: its bytes [height, width, channels], its class, and the shop that it comes from. */
export interface LabelledImage {
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly category: string | undefined;
}

const splitSchema = z.object({
  count: z.int().nonnegative(),
  shards: z.array(z.object({ file: z.string(), count: z.int().positive() })),
  rows: z.string().optional(),
});
const manifestSchema = z.object({
  about: z.object({
    stored: z.never({ error: 'the data set holds encoded images, and this step reads raw ones' }).optional(),
    splits: z.record(z.string(), splitSchema),
  }),
});
const tensorSchema = z.object({
  dtype: z.enum(['U8', 'I32']),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const shardSchema = z.object({ images: tensorSchema, labels: tensorSchema });
const factsSchema = z.object({ category: z.string().optional() });

/**
 * The images of a split, in the order of their rows.
 *
 * @param folder of the data set, as a step is given it
 * @throws Error where there is no such split, ZodError where a file is another than expected
 */
export async function readImages(folder: string, split: string): Promise<LabelledImage[]> {
  const { about } = manifestSchema.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
  const described = about.splits[split];
  if (!described) throw new Error(`the data set has no split ${split}; it has ${Object.keys(about.splits).join(', ')}`);
  const images: Omit<LabelledImage, 'category'>[] = [];
  for (const { file } of described.shards) images.push(...imagesOf(await readFile(join(folder, file))));
  const categories = described.rows ? await categoriesIn(join(folder, described.rows)) : [];
  return images.map((image, row) => ({ ...image, category: categories[row] }));
}

/** A safetensors file: the length of its header (8 bytes, little-endian), the header as JSON, then the tensors. */
function imagesOf(shard: Buffer): Omit<LabelledImage, 'category'>[] {
  const start = 8 + Number(shard.readBigUInt64LE(0));
  const header = shardSchema.parse(JSON.parse(shard.toString('utf8', 8, start)));
  const bytesOf = ({ data_offsets: [from, to] }: z.infer<typeof tensorSchema>) =>
    shard.subarray(start + from, start + to);
  const [images, labels] = [bytesOf(header.images), bytesOf(header.labels)];
  const [count = 0] = header.images.shape;
  const size = images.length / count;
  return Array.from({ length: count }, (_, row) => ({
    pixels: images.subarray(row * size, (row + 1) * size),
    label: labels.readInt32LE(row * 4),
  }));
}

async function categoriesIn(rows: string): Promise<(string | undefined)[]> {
  const lines = (await readFile(rows, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => factsSchema.parse(JSON.parse(line)).category);
}
