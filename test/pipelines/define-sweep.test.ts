import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { definePipeline } from '../../pipelines/define.ts';
import { parsePipeline, planPipeline } from '../../pipelines/language/index.ts';

const swept = definePipeline(
  {
    name: 'sweep',
    description: 'Search for the learning rate, temperature and rotation of SupCon on product images',
    params: { trials: 9, epochs: 9, images: 2000, search: 'random', seed: 0 },
  },
  ({ params, step, sweep }) => {
    const data = step('data', {
      uses: 'prepare-data',
      with: { dataset: 'fashion-mnist', limit: { train: params.images } },
    });
    const best = sweep(
      'sweep',
      {
        needs: [data],
        with: {
          search: params.search as never,
          trials: params.trials,
          seed: params.seed,
          seeds: 3,
          over: {
            learningRate: { log: [0.01, 1] },
            temperature: [0.05, 0.1, 0.2, 0.5],
            rotation: { linear: [0, 0.2] },
          },
          halving: { from: 1, factor: 3 },
          atOnce: 2,
        },
      },
      (trial) => {
        const { learningRate, temperature, rotation, seed } = trial.sweep;
        const pretrain = trial.step('pretrain', {
          uses: 'pretrain',
          with: {
            encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
            projection: { hidden: 64, output: 32 },
            loss: { supcon: { temperature } },
            augmentation: { flip: 0.5, rotation, zoom: 0.1 },
            optimizer: { name: 'sgd', learningRate, weightDecay: 0.0001 },
            schedule: { name: 'cosine', warmupEpochs: 0.5 },
            batch: 128,
            epochs: params.epochs,
            seed,
          },
        });
        const probe = trial.step('probe', { uses: 'linear-probe', needs: [pretrain], with: { epochs: 30 } });
        return { maximise: probe.result.validationTop1 };
      },
    );
    const evaluate = step('evaluate', { uses: 'evaluate', needs: [best] });
    const promote = step('promote', { uses: 'promote', needs: [evaluate], with: { model: 'swept' } });
    step('report', { uses: 'report', needs: [promote] });
  },
);

it('a sweep in TypeScript gives the plan of the one that ships', () => {
  const text = readFileSync(new URL('../../pipelines/sweep.yaml', import.meta.url), 'utf8');
  for (const params of [{}, { trials: 27, epochs: 27 }])
    expect(planPipeline(swept, 'sweep.ts', params)).toEqual(parsePipeline({ text, file: 'sweep.yaml' }, params));
});

it('its winner is known to the compiler, and to a sweep around it', () => {
  const value = definePipeline({ name: 'twice' }, ({ step, sweep }) => {
    const data = step('data', { uses: 'prepare-data', with: { dataset: 'generated' } });
    const coarse = sweep(
      'coarse',
      { needs: [data], with: { trials: 2, over: { rate: { log: [0.01, 1] }, schedule: ['constant', 'cosine'] } } },
      (trial) => {
        const train = trial.step('train', {
          uses: 'pretrain',
          with: { optimizer: { name: 'sgd', learningRate: trial.sweep.rate }, schedule: trial.sweep.schedule },
        });
        // @ts-expect-error nothing of that name is tried
        void trial.sweep.learningRate;
        // @ts-expect-error a schedule is no number
        trial.step('wrong', { uses: 'pretrain', with: { seed: trial.sweep.schedule } });
        return { minimise: train.result.loss };
      },
    );
    const { rate, schedule } = coarse.result.parameters;
    sweep('fine', { needs: [data], with: { search: 'grid', over: { rate: [rate, 0.1], seed: [1] } } }, (trial) => {
      const again = trial.step('again', {
        uses: 'pretrain',
        needs: [coarse],
        with: { optimizer: { name: 'sgd', learningRate: trial.sweep.rate }, schedule },
      });
      // @ts-expect-error a digest is no number that decides
      void ((): ReturnType<Parameters<typeof sweep>[2]> => ({ maximise: again.result.digest }));
      return { minimise: again.result.loss };
    });
    step('probe', { uses: 'linear-probe', needs: [data], with: { encoder: coarse.result.encoder } });
    // @ts-expect-error the winner has no such setting
    void coarse.result.parameters.temperature;
    // @ts-expect-error a schedule is no number
    step('c', { uses: 'pretrain', needs: [data], with: { seed: schedule } });
    // @ts-expect-error a sweep has a function of its own
    step('d', { uses: 'sweep', with: { trials: 1, over: {}, steps: {} } });
  });
  expect(value.steps).toMatchObject({
    coarse: {
      uses: 'sweep',
      needs: ['data'],
      with: {
        trials: 2,
        objective: { minimise: '${steps.train.result.loss}' },
        steps: { train: { uses: 'pretrain', with: { optimizer: { learningRate: '${sweep.rate}' } } } },
      },
    },
    fine: { with: { over: { rate: ['${steps.coarse.result.parameters.rate}', 0.1] } } },
    probe: { with: { encoder: '${steps.coarse.result.encoder}' } },
  });
});

it('is refused where two steps of a trial have one id', () => {
  expect(() =>
    definePipeline({ name: 'twice' }, ({ sweep }) => {
      sweep('best', { with: { trials: 1, over: { seed: [1] } } }, (trial) => {
        const train = trial.step('train', { uses: 'pretrain' });
        trial.step('train', { uses: 'pretrain' });
        return { minimise: train.result.loss };
      });
    }),
  ).toThrow('steps.best.with.steps.train: there is a step train already');
});
