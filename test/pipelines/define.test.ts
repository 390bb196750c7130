import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { definePipeline, defineStep, expression, z } from '../../pipelines/define.ts';
import { parsePipeline, planPipeline, readPipelineValue } from '../../pipelines/language/index.ts';
import type dedupe from '../../pipelines/steps/dedupe.ts';

const strict = defineStep({
  with: z.object({ minimum: z.number() }),
  outputs: { images: 'dataset', list: 'files' },
  result: z.object({ note: z.string() }),
  run: () => ({ note: '' }),
});

const quickstart = definePipeline(
  {
    name: 'quickstart',
    description: 'Tell shirts from pullovers, in a few minutes',
    params: { seed: 0, epochs: 10, images: 10000 },
  },
  ({ params, step }) => {
    const data = step('data', {
      uses: 'prepare-data',
      with: { dataset: 'fashion-mnist', limit: { train: params.images } },
    });
    const pretrain = step('pretrain', {
      uses: 'pretrain',
      needs: [data],
      with: {
        encoder: { name: 'small-resnet', channels: 16, blocks: [1, 1, 1] },
        projection: { hidden: 128, output: 64 },
        loss: { supcon: { temperature: 0.1 } },
        augmentation: { flip: 0.5, rotation: 0.03, zoom: 0.1 },
        optimizer: { name: 'sgd', learningRate: 0.2, weightDecay: 0.0001 },
        schedule: { name: 'cosine', warmupEpochs: 0.5 },
        batch: 128,
        epochs: params.epochs,
        seed: params.seed,
      },
    });
    const probe = step('probe', { uses: 'linear-probe', needs: [pretrain] });
    const evaluate = step('evaluate', { uses: 'evaluate', needs: [probe] });
    step('report', { uses: 'report', needs: [evaluate] });
  },
);

describe('a pipeline in TypeScript', () => {
  it('gives the plan of the quickstart that ships', () => {
    const text = readFileSync(new URL('../../pipelines/quickstart.yaml', import.meta.url), 'utf8');
    expect(planPipeline(quickstart, 'q.ts', { epochs: 3 })).toEqual(
      parsePipeline({ text, file: 'q.yaml' }, { epochs: 3 }),
    );
  });

  it('gives the plan of its twin in YAML is', () => {
    const yaml = `
name: sweep
params: { seeds: [0, 1], epochs: 2, minimum: 0.5 }
defaults: { priority: 2 }
steps:
  data: { uses: prepare-data, with: { dataset: generated, limit: { train: 100 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { seed: [0, 1], batch: [64] }
    maxParallel: 2
    with: { seed: "\${matrix.seed}", batch: "\${matrix.batch}", epochs: "\${params.epochs}" }
  probe: { uses: linear-probe, matrix: pretrain, needs: [pretrain], with: { seed: "\${matrix.seed}" } }
  check:
    uses: evaluate
    matrix: pretrain
    needs: [probe]
    when: steps.probe.result.validationTop1 > params.minimum
    with: { encoder: "\${steps.pretrain.result.encoder}" }
finally:
  note: { uses: prepare-data, with: { dataset: image-folder, path: "\${run.id}: \${steps.check.result.top1}" } }
`;
    const typed = definePipeline(
      { name: 'sweep', params: { seeds: [0, 1], epochs: 2, minimum: 0.5 }, defaults: { priority: 2 } },
      ({ params, run, step, finally: last }) => {
        const data = step('data', { uses: 'prepare-data', with: { dataset: 'generated', limit: { train: 100 } } });
        const pretrain = step('pretrain', {
          uses: 'pretrain',
          needs: [data],
          matrix: { seed: [0, 1], batch: [64] },
          maxParallel: 2,
          with: ({ matrix }) => ({ seed: matrix.seed, batch: matrix.batch, epochs: params.epochs }),
        });
        const probe = step('probe', {
          uses: 'linear-probe',
          matrix: pretrain,
          needs: [pretrain],
          with: ({ matrix }) => ({ seed: matrix.seed }),
        });
        const check = step('check', {
          uses: 'evaluate',
          matrix: pretrain,
          needs: [probe],
          when: expression`${probe.each.result.validationTop1} > ${params.minimum}`,
          with: { encoder: pretrain.each.result.encoder },
        });
        last('note', {
          uses: 'prepare-data',
          with: { dataset: 'image-folder', path: `${run.id}: ${check.result.top1}` },
        });
      },
    );
    expect(planPipeline(typed, 'sweep.ts')).toEqual(parsePipeline({ text: yaml, file: 'sweep.yaml' }));
  });

  it('names a mistake that the compiler cannot see by its path', () => {
    expect(
      readPipelineValue(
        { ...quickstart, steps: { data: { uses: 'prepare-data', with: { dataset: 'cifar' } } } },
        'q.ts',
      ).problems,
    ).toEqual([
      {
        file: 'q.ts',
        line: 0,
        column: 0,
        message:
          'steps.data.with.dataset: dataset must be one of fashion-mnist, mnist, cifar10, image-folder, table, generated, not "cifar"',
      },
    ]);
  });

  it('is refused where two steps have one id', () =>
    expect(() =>
      definePipeline({ name: 'twice' }, ({ step }) => {
        step('data', { uses: 'prepare-data', with: { dataset: 'generated' } });
        step('data', { uses: 'prepare-data', with: { dataset: 'generated' } });
      }),
    ).toThrow('steps.data: there is a step data already'));
});

describe('the compiler refuses', () => {
  it('what no step of that kind has or takes', () => {
    definePipeline({ name: 'wrong', params: { epochs: 2, name: 'x' } }, ({ params, step }) => {
      // @ts-expect-error there is no such kind
      step('a', { uses: 'prepare' });
      // @ts-expect-error dataset is missing
      step('b', { uses: 'prepare-data', with: {} });
      const data = step('data', { uses: 'prepare-data', with: { dataset: 'generated' } });
      const pretrain = step('pretrain', { uses: 'pretrain', needs: [data], with: { epochs: params.epochs } });
      // @ts-expect-error there is no such result
      void pretrain.result.encodr;
      // @ts-expect-error there is no such param
      void params.epoch;
      // @ts-expect-error a text is no number of epochs
      step('c', { uses: 'pretrain', needs: [data], with: { epochs: params.name } });
      // @ts-expect-error an encoder is no data set
      step('d', { uses: 'linear-probe', with: { dataset: pretrain.result.encoder } });
      // @ts-expect-error a digest is no number
      step('e', { uses: 'pretrain', needs: [data], with: { seed: pretrain.result.digest } });
      // @ts-expect-error there is no such parameter
      step('f', { uses: 'evaluate', with: { neighbour: [1] } });
      // @ts-expect-error needs takes steps
      step('g', { uses: 'evaluate', needs: ['data'] });
    });
  });

  it('the list of a matrix where one is wanted, and values that a matrix has not', () => {
    definePipeline({ name: 'wrong' }, ({ step }) => {
      const data = step('data', { uses: 'prepare-data', with: { dataset: 'generated' } });
      const pretrain = step('pretrain', {
        uses: 'pretrain',
        needs: [data],
        matrix: { seed: [0, 1] },
        with: ({ matrix }) => ({ seed: matrix.seed }),
      });
      // @ts-expect-error all encoders are not one
      step('a', { uses: 'linear-probe', with: { encoder: pretrain.result.encoder } });
      step('b', { uses: 'linear-probe', matrix: pretrain, with: { encoder: pretrain.each.result.encoder } });
      step('c', {
        uses: 'pretrain',
        matrix: { seed: [0, 1] },
        // @ts-expect-error the matrix has no such value
        with: ({ matrix }) => ({ batch: matrix.batch }),
      });
      step('d', {
        uses: 'pretrain',
        matrix: { encoder: ['small-resnet'] },
        // @ts-expect-error a name is no number
        with: ({ matrix }) => ({ batch: matrix.encoder }),
      });
    });
  });

  it('knows steps of your own by the types of their files, which it does not load', () => {
    const value = definePipeline({ name: 'own' }, ({ step, own }) => {
      const draw = step('draw', { uses: 'run', with: { command: ['x'], outputs: { drawn: { folder: 'drawn' } } } });
      const unique = own<typeof dedupe>('dedupe', {
        uses: './steps/dedupe.ts',
        needs: [draw],
        with: { keep: 'last' },
      });
      step('count', {
        uses: 'run',
        with: { command: ['x', unique.result.kept], inputs: { images: unique.result.unique } },
      });
      // @ts-expect-error it has no such parameter value
      own<typeof dedupe>('b', { uses: './steps/dedupe.ts', with: { keep: 'middle' } });
      // @ts-expect-error it gives no such result
      step('c', { uses: 'run', with: { command: ['x', unique.result.kpet] } });
      // @ts-expect-error images are files, and a number is none
      own<typeof dedupe>('d', { uses: './steps/dedupe.ts', with: { images: unique.result.kept } });
    });
    expect(value.steps).toMatchObject({
      dedupe: { uses: './steps/dedupe.ts', needs: ['draw'], with: { keep: 'last' } },
      count: { with: { inputs: { images: '${steps.dedupe.result.unique}' } } },
    });
  });

  it('a step of your own without a parameter that it needs, or with another', () => {
    definePipeline({ name: 'own' }, ({ step, own }) => {
      // @ts-expect-error minimum is missing
      own<typeof strict>('a', { uses: './steps/strict.ts' });
      // @ts-expect-error minimum is missing
      own<typeof strict>('b', { uses: './steps/strict.ts', with: {} });
      // @ts-expect-error there is no such parameter
      own<typeof strict>('c', { uses: './steps/strict.ts', with: { minimum: 1, minimun: 1 } });
      const made = own<typeof strict>('d', { uses: './steps/strict.ts', with: { minimum: 1 } });
      step('e', { uses: 'pretrain', with: { dataset: made.result.images } });
      // @ts-expect-error files are no data set
      step('f', { uses: 'pretrain', with: { dataset: made.result.list } });
      // @ts-expect-error a text is no number of epochs
      step('g', { uses: 'pretrain', with: { dataset: made.result.images, epochs: made.result.note } });
      // @ts-expect-error its note has nothing in it
      void made.result.note.length;
    });
  });

  it('a result that a program does not declare', () => {
    const value = definePipeline({ name: 'programs' }, ({ step }) => {
      const draw = step('draw', {
        uses: 'run',
        with: {
          command: ['x'],
          outputs: { images: { dataset: 'images', seed: 1 }, table: { file: 'a.csv' } },
          result: { count: 'number', note: 'text', more: 'any' },
        },
      });
      step('a', { uses: 'pretrain', with: { dataset: draw.result.images, epochs: draw.result.count } });
      step('b', { uses: 'prepare-data', with: { dataset: 'image-folder', from: draw.result.table } });
      step('c', { uses: 'pretrain', with: { dataset: draw.result.images, epochs: draw.result.more } });
      // @ts-expect-error it declares no such field
      void draw.result.cuont;
      // @ts-expect-error a table is no data set
      step('d', { uses: 'pretrain', with: { dataset: draw.result.table } });
      // @ts-expect-error a text is no number of epochs
      step('e', { uses: 'pretrain', with: { dataset: draw.result.images, epochs: draw.result.note } });
      // @ts-expect-error there is no such parameter
      step('f', { uses: 'run', with: { command: ['x'], output: {} } });
      // @ts-expect-error there is no such type of a field
      step('g', { uses: 'run', with: { command: ['x'], result: { count: 'integer' } } });
      // @ts-expect-error a data set is not made so
      step('h', { uses: 'run', with: { command: ['x'], outputs: { images: { dataset: 'images', sead: 1 } } } });
      // @ts-expect-error what a program declares is no parameter of another kind
      step('i', { uses: 'evaluate', with: { result: { count: 'number' } } });
      const free = step('j', { uses: 'run', with: { command: ['x'] } });
      step('k', { uses: 'pretrain', with: { dataset: draw.result.images, epochs: free.result.anything } });
      const each = step('l', {
        uses: 'run',
        matrix: { size: [1, 2] },
        with: ({ matrix }) => ({ command: ['x', matrix.size], result: { count: 'number' } }),
      });
      step('m', { uses: 'run', matrix: each, with: { command: ['x', each.each.result.count] } });
      // @ts-expect-error it declares no such field
      void each.each.result.cuont;
      // @ts-expect-error the list of all is no number of epochs
      step('n', { uses: 'pretrain', with: { dataset: draw.result.images, epochs: each.result.count } });
    });
    expect(value.steps).toMatchObject({ a: { with: { epochs: '${steps.draw.result.count}' } } });
  });

  it('knows the items of a list that a step gives', () => {
    interface Split {
      readonly types?: {
        readonly with: object;
        readonly result: { readonly shards: readonly { readonly file: string; readonly images: number }[] };
        readonly inputs: Record<never, never>;
        readonly outputs: Record<never, never>;
      };
    }
    const value = definePipeline({ name: 'shards' }, ({ step, own }) => {
      const split = own<Split>('split', { uses: './steps/split.ts' });
      const measure = step('measure', {
        uses: 'run',
        matrix: { shard: split.result.shards },
        maxParallel: 4,
        tolerate: 0.1,
        with: ({ matrix }) => ({ command: ['measure', matrix.shard.file, matrix.shard.images] }),
      });
      step('clean', {
        uses: 'run',
        matrix: measure,
        with: ({ matrix }) => ({ command: ['clean', matrix.shard.file] }),
      });
      step('a', {
        uses: 'run',
        matrix: { shard: split.result.shards },
        // @ts-expect-error an item has no such field
        with: ({ matrix }) => ({ command: [matrix.shard.name] }),
      });
      step('b', {
        uses: 'pretrain',
        matrix: { shard: split.result.shards },
        // @ts-expect-error a name of a file is no number
        with: ({ matrix }) => ({ seed: matrix.shard.file }),
      });
      // @ts-expect-error what is no list has no items
      step('c', { uses: 'run', matrix: { kept: own<typeof dedupe>('d', { uses: './steps/dedupe.ts' }).result.kept } });
    });
    expect(value.steps).toMatchObject({
      measure: {
        matrix: { shard: '${steps.split.result.shards}' },
        tolerate: 0.1,
        with: { command: ['measure', '${matrix.shard.file}', '${matrix.shard.images}'] },
      },
      clean: {
        matrix: 'measure',
        with: { command: ['clean', '${matrix.shard.file}'] },
      },
    });
  });
});
