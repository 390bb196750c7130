import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beheaded, behindHead, headed, type Target } from '../engine/target.ts';

const heads = ['data_batch_3.bin', 'test_batch.bin', 'batches.meta.txt'] as const;
const record = 1 + 3 * 32 * 32;
const batch = Buffer.from(
  Array.from({ length: 2 * record }, (_, at) => (at % record === 0 ? at % 10 : (at * 11) & 255)),
);
const names = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'].join('\n');

/** CIFAR-10 in its binary form, with the names of its classes. */
export const cifar: Target = {
  name: 'cifar',
  reads: "CIFAR-10's binary files and the names of its classes",
  form: 'bytes',
  region: behindHead((head) => (head.endsWith('.txt') ? 'text' : 'bytes')),
  open: async ({ folder }) => {
    const { cifar10 } = await import('../../../datasets/cifar10.ts');
    const within = join(folder, 'cifar');
    await mkdir(within);
    const sound = async () => {
      for (const number of [1, 2, 3, 4, 5]) await writeFile(join(within, `data_batch_${number}.bin`), batch);
      await writeFile(join(within, 'test_batch.bin'), batch);
      await rm(join(within, 'batches.meta.txt'), { force: true });
    };
    await sound();
    return {
      seeds: heads.map((head) => headed(head, head.endsWith('.txt') ? names : batch)),
      run: async (input) => {
        const { head, body } = beheaded(input, heads);
        const path = join(within, head);
        await writeFile(path, body);
        try {
          const { classes, train, test } = await cifar10(within);
          const image = await test?.read(0);
          return `${classes.length} classes, ${train.count} and ${test?.count} images, ${train.nameOf(train.count - 1)}, ${image && 'label' in image ? image.label : ''}`;
        } finally {
          if (head.endsWith('.txt')) await rm(path);
          else await writeFile(path, batch);
        }
      },
    };
  },
};
