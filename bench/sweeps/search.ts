import type { SweepResult } from '../../contracts/kinds/sweep.ts';

/** The search that is measured: 64 settings of a tiny training of nine epochs, by its loss. */
export const search = { trials: 64, epochs: 9, from: 1, factor: 3, images: 256 } as const;

export const over = {
  learningRate: { log: [0.001, 10] as [number, number] },
  weightDecay: { log: [0.00001, 0.01] as [number, number] },
  zoom: { linear: [0, 0.3] as [number, number] },
};

/** A training with a setting; references stand where it is open. */
export const trainingWith = (learningRate: unknown, weightDecay: unknown, zoom: unknown) => ({
  encoder: { name: 'small-resnet', channels: 4, blocks: [1] },
  projection: { hidden: 16, output: 8 },
  loss: { supcon: { temperature: 0.1 } },
  augmentation: { flip: 0.5, rotation: 0.02, zoom },
  optimizer: { name: 'sgd', learningRate, weightDecay },
  schedule: 'cosine',
  batch: 64,
  epochs: search.epochs,
  seed: 0,
});

export const data = { dataset: 'generated', generated: { classes: 4, images: search.images } };

/** As a pipeline, which is JSON and therefore YAML; after it the winner is trained again, without a stop. */
export const searchPipeline = (name: string): string =>
  JSON.stringify({
    name,
    // Every run does its own work.
    defaults: { cache: false },
    steps: {
      data: { uses: 'prepare-data', with: data },
      sweep: {
        uses: 'sweep',
        needs: ['data'],
        with: {
          search: 'random',
          trials: search.trials,
          over,
          halving: { from: search.from, factor: search.factor },
          objective: { minimise: '${steps.pretrain.result.loss}' },
          steps: {
            pretrain: {
              uses: 'pretrain',
              with: trainingWith('${sweep.learningRate}', '${sweep.weightDecay}', '${sweep.zoom}'),
            },
          },
        },
      },
      again: {
        uses: 'pretrain',
        needs: ['data'],
        with: trainingWith(
          '${steps.sweep.result.parameters.learningRate}',
          '${steps.sweep.result.parameters.weightDecay}',
          '${steps.sweep.result.parameters.zoom}',
        ),
      },
    },
  });

/** What must be the same whatever happened on the way: every trial in its order, with its values. */
export const orderOf = ({ table }: SweepResult): string =>
  JSON.stringify(table.map(({ trial, parameters, rungs }) => ({ trial, parameters, rungs })));
