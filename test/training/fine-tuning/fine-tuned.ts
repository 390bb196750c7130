import { openCheckpoints } from '../../../store/index.ts';
import { openRun } from '../run.ts';
import { generatedData, smallConfig } from '../small-training.ts';

/** All that fine-tuning adds. */
export const together = {
  freeze: { until: 'stem' },
  layerDecay: 0.7,
  dropPath: 0.3,
  ema: { decay: 0.8 },
  clip: { norm: 0.5 },
  schedule: { name: 'constant', warmupEpochs: 1.5 },
};

export const small = { ...smallConfig, encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] } };

/** Trainings of small images in a store of the test file's own. */
export async function fineTuned() {
  const { store, dataset } = await generatedData(96, { size: 16, generated: { classes: 6, images: 96 } });
  return {
    store,
    dataset,
    open: (run: string, config: object) => openRun({ store, run, dataset, config }),
    /** The tensors of the newest checkpoint of a run. */
    stateOf: async (run: string) => {
      const { newest } = await openCheckpoints(store, { run, step: 'pretrain' }).newestValid();
      if (!newest) throw new Error('the training has a checkpoint');
      return newest.tensors;
    },
  };
}
