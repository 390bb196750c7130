import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { dataSchema, trainingConfigSchema } from '../../contracts/training.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { float32, openStore } from '../../store/index.ts';
import { openSession, trainToEndOfEpoch } from '../../training/session.ts';
import { readState } from '../../training/state.ts';

/** The examples' untrained arm is a training with the smallest learning rate that there is. */
it('leaves the kernels as they began, and moves what began at 0 by next to nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-examples-'));
  const store = openStore(pathToFileURL(folder).href);
  const { ref } = await prepareDataset(
    store,
    prepareDataParameters.parse({ dataset: 'generated', generated: { classes: 2, images: 64 } }),
    { cacheFolder: folder },
  );
  const config = trainingConfigSchema.parse({
    encoder: { name: 'small-resnet', channels: 4, blocks: [1] },
    projection: { hidden: 8, output: 4 },
    augmentation: 'none',
    optimizer: { name: 'sgd', learningRate: 1e-12, momentum: 0 },
    batch: 16,
    epochs: 1,
  });
  const session = await openSession(store, ref, config, { data: dataSchema.parse({}), onCheck: () => {} });
  const trainable = session.model.state.filter((spec) => spec.trainable);
  const weights = () => readState(trainable, session.execution).map((tensor) => Float32Array.from(float32(tensor)));
  try {
    const before = weights();
    await trainToEndOfEpoch(session, async () => false);
    const after = weights();
    for (const [at, { name }] of trainable.entries()) {
      const moved = before[at]?.map((value, index) => Math.abs(value - (after[at]?.[index] ?? Number.NaN))) ?? [];
      expect(Math.max(...moved), name).toBeLessThan(name.endsWith('/kernel') ? 1e-15 : 1e-9);
    }
    expect(trainable.some(({ name }) => name.endsWith('/kernel'))).toBe(true);
  } finally {
    session.execution.dispose();
    await rm(folder, { recursive: true, force: true });
  }
});
