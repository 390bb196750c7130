import { expect, it } from 'vitest';
import { dataSchema, trainingConfigSchema } from '../../contracts/training.ts';
import { float32 } from '../../store/index.ts';
import { openSession, trainToEndOfEpoch } from '../../training/session.ts';
import { readState } from '../../training/state.ts';
import { generatedData, smallConfig } from '../training/small-training.ts';

const { store, dataset } = await generatedData(64);

/** The examples' untrained arm is a training with the smallest learning rate that there is. */
it('leaves the kernels as they began, and moves what began at 0 by next to nothing', async () => {
  const config = trainingConfigSchema.parse({
    ...smallConfig,
    augmentation: 'none',
    optimizer: { name: 'sgd', learningRate: 1e-12, momentum: 0 },
    epochs: 1,
  });
  const session = await openSession(store, dataset, config, { data: dataSchema.parse({}), onCheck: () => {} });
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
  }
});
