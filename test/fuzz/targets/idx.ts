import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beheaded, behindHead, headed, type Target } from '../engine/target.ts';

const heads = ['images', 'labels', 'images.gz'] as const;
const number = (value: number) => Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const count = 6;
const side = 16;
const images = Buffer.concat([
  ...[0x0803, count, side, side].map(number),
  Buffer.from(Array.from({ length: count * side * side }, (_, at) => (at * 7) & 255)),
]);
const labels = Buffer.concat([number(0x0801), number(count), Buffer.from([0, 1, 2, 0, 1, 2])]);

/** Images and labels of MNIST's format, gzipped or not. */
export const idx: Target = {
  name: 'idx',
  reads: 'images and labels in IDX, gzipped or not',
  form: 'bytes',
  region: behindHead(() => 'bytes'),
  open: async ({ folder }) => {
    const { readIdxSplit } = await import('../../../datasets/idx-split.ts');
    const within = join(folder, 'idx');
    await mkdir(within);
    const bodies = { images, labels, 'images.gz': gzipSync(images) };
    await writeFile(join(within, 'sound-images'), images);
    await writeFile(join(within, 'sound-labels'), labels);
    return {
      seeds: heads.map((head) => headed(head, bodies[head])),
      run: async (input) => {
        const { head, body } = beheaded(input, heads);
        await writeFile(join(within, head), body);
        const split = await readIdxSplit(
          within,
          {
            images: [head === 'labels' ? 'sound-images' : head],
            labels: [head === 'labels' ? 'labels' : 'sound-labels'],
          },
          10,
        );
        const image = await split.read(split.count - 1);
        return `${split.count} images of ${'height' in image ? image.height : 0} rows`;
      },
    };
  },
};
