import { describe, expect, it } from 'vitest';
import { formatProblem, type ReadOptions, readPipeline } from '../../pipelines/language/index.ts';

/** What is said of steps, each a line of the file from line 3 on. */
const said = (steps: readonly string[], options: ReadOptions = {}) =>
  readPipeline(
    { text: ['name: a', 'steps:', ...steps.map((step) => `  ${step}`)].join('\n'), file: 'p.yaml' },
    {},
    options,
  ).problems.map(formatProblem);

/** A mistake at the place of a text in one of the steps. */
const at = (steps: readonly string[], text: string, message: string) => {
  const line = steps.findIndex((step) => step.includes(text));
  return `p.yaml:${line + 3}:${(steps[line] ?? '').indexOf(text) + 3}: ${message}`;
};

const data = (more = '') => `data: { uses: prepare-data, with: { dataset: generated${more} } }`;
const photos = (size: number) =>
  `data: { uses: prepare-data, with: { dataset: image-folder, path: photos, size: ${size} } }`;
const table = (columns = '{}') =>
  `data: { uses: prepare-data, with: { dataset: table, path: a.csv, columns: ${columns} } }`;
const pretrain = (parameters: string) => `p: { uses: pretrain, needs: [data], with: { ${parameters} } }`;
const classifier = (parameters: string) => `p: { uses: train-classifier, needs: [data], with: { ${parameters} } }`;
const sha256 = '0'.repeat(64);
const weights = `{ path: a.safetensors, sha256: "${sha256}" }`;
const loaded = (encoder: string, more = '') =>
  `enc: { uses: load-encoder, needs: [data], with: { encoder: ${encoder}, weights: ${weights}${more} } }`;
const search = (encoder: string) =>
  `s: { uses: retrieval, needs: [data, ${encoder}], with: { encoder: "\${steps.${encoder}.result.encoder}", of: projection } }`;

describe('settings for weights from elsewhere, where a training begins from noise, are refused', () => {
  it.each([
    ['freeze: all', 'all'],
    ['freeze: { until: stem }', 'freeze'],
  ])('%s', (freeze, place) => {
    const message =
      'freeze keeps weights as they are, and this training begins from noise; add initialWeights, which `contrail weights show <file>` prints, or leave freeze out';
    for (const training of [pretrain(freeze), classifier(freeze)])
      expect(said([data(), training])).toEqual([at([data(), training], place, message)]);
    expect(said([data(), pretrain(`${freeze}, initialWeights: ${weights}`)])).toEqual([]);
  });

  it('but for the patches of a vision transformer, which a random projection may embed', () => {
    for (const training of [pretrain, classifier])
      expect(said([photos(96), training('encoder: vit, freeze: { until: embed }')])).toEqual([]);
    for (const freeze of ['all', '{ until: blocks.0 }'])
      expect(said([photos(96), pretrain(`encoder: vit, freeze: ${freeze}`)])).toEqual([
        expect.stringContaining('this training begins from noise'),
      ]);
  });

  it('recipe: fine-tune', () => {
    const steps = [data(), pretrain('recipe: fine-tune')];
    expect(said(steps)).toEqual([
      at(
        steps,
        'fine-tune',
        'recipe: fine-tune is for weights from elsewhere, and this training begins from noise; add initialWeights, which `contrail weights show <file>` prints, or take another recipe: tutorial, supcon-paper, small-data',
      ),
    ]);
    expect(said([data(), pretrain(`recipe: fine-tune, initialWeights: ${weights}`)])).toEqual([]);
  });

  it('not where a run is resumed or forked, whose weights are those of a checkpoint', () => {
    expect(said([data(), pretrain('freeze: all')], { begun: true })).toEqual([]);
  });
});

describe('images that an encoder does not take are refused by the size that is asked for', () => {
  it.each([
    [
      'vit',
      40,
      'vit needs sides that are multiples of its patch of 16 pixels; the images of step data are 40 x 40. Make them 48 x 48, or choose another patch',
    ],
    [
      'convnext',
      24,
      'convnext needs sides of 32 pixels and more; the images of step data are 24 x 24. Make them larger, or choose small-resnet',
    ],
  ])('%s at %i pixels', (encoder, size, message) => {
    for (const step of [pretrain, classifier]) {
      const text = step(`encoder: ${encoder}`);
      expect(said([photos(size), text])).toEqual([at([photos(size), text], `${encoder} }`, message)]);
    }
    expect(said([photos(size), loaded(encoder)])).toEqual([expect.stringContaining(message)]);
    expect(said([photos(96), pretrain(`encoder: ${encoder}`)])).toEqual([]);
  });

  it('of a matrix, with the values for which it is so', () => {
    const step =
      'p: { uses: pretrain, needs: [data], matrix: { name: [resnet50, vit] }, with: { encoder: "${matrix.name}" } }';
    expect(said([photos(40), step])).toEqual([
      expect.stringMatching(/^p\.yaml:4:91: vit needs .*, or choose another patch \(where name=vit\)$/),
    ]);
  });

  it('of a folder that a program makes', () => {
    const program =
      'data: { uses: run, with: { command: ["true", "${outputs.images}"], outputs: { images: { dataset: out, size: 40 } } } }';
    expect(said([program, pretrain('encoder: vit')])).toEqual([
      expect.stringContaining('the images of step data are 40 x 40'),
    ]);
  });

  it('not where the size is known to the run alone', () => {
    const first = 'first: { uses: prepare-data, with: { dataset: generated } }';
    const open =
      'data: { uses: prepare-data, needs: [first], with: { dataset: generated, size: "${steps.first.result.classes}" } }';
    expect(said([first, open, pretrain('encoder: vit, dataset: "${steps.data.result.dataset}"')])).toEqual([]);
  });

  it('of small views too, which must be smaller than the images', () => {
    const steps = [photos(64), pretrain('encoder: vit, multiCrop: { size: 40 }')];
    expect(said(steps)).toEqual([
      at(
        steps,
        '40',
        'vit needs sides that are multiples of its patch of 16 pixels; the small views (multiCrop.size) are 40 x 40. Make them 48 x 48, or choose another patch',
      ),
    ]);
    expect(said([photos(64), pretrain('multiCrop: { size: 64 }')])).toEqual([
      expect.stringContaining('size must be less than the 64 pixels of the images of step data, not 64'),
    ]);
    expect(said([photos(64), pretrain('multiCrop: { size: 32 }')])).toEqual([]);
  });

  it('of another data set than it was trained for', () => {
    const other = 'other: { uses: prepare-data, with: { dataset: image-folder, path: a, size: 96 } }';
    const embed = 'e: { uses: embed, needs: [other, p], with: { dataset: "${steps.other.result.dataset}" } }';
    const steps = [photos(64), pretrain('epochs: 1'), other, embed];
    expect(said(steps)).toEqual([
      at(
        steps,
        '"${steps.other',
        'the encoder of step p takes images of 64 x 64, and those of step other are 96 x 96; prepare both with the same size',
      ),
    ]);
  });

  it('of grey images, where pixels are normalised by three numbers', () => {
    expect(said([data(), loaded('small-resnet')])).toEqual([
      expect.stringContaining(
        'normalise has numbers for 3 channels, and small-resnet takes the grey images of step data as they are',
      ),
    ]);
    expect(said([data(), loaded('small-resnet', ', normalise: half')])).toEqual([]);
    expect(said([data(', channels: 3'), loaded('small-resnet')])).toEqual([]);
    expect(said([data(), loaded('resnet50')])).toEqual([]);
  });
});

describe('an adapter is refused', () => {
  const embed = (of: string, more = '') =>
    `embed-${of}: { uses: embed, needs: [data, ${of}], with: { encoder: "\${steps.${of}.result.encoder}"${more} } }`;
  const adapt = (id: string, of: string) =>
    `${id}: { uses: adapt, needs: [${of}], with: { embeddings: "\${steps.${of}.result.embeddings}" } }`;

  it('on an encoder that has one', () => {
    const steps = [data(), pretrain(''), embed('p'), adapt('a', 'embed-p'), embed('a'), adapt('b', 'embed-a')];
    expect(said(steps)).toEqual([
      at(
        steps,
        '"${steps.embed-a',
        'an encoder can have one adapter, and that of the embeddings of step embed-a has the one of step a; embed the data with the encoder that it was put on',
      ),
    ]);
    expect(said(steps.slice(0, 4))).toEqual([]);
  });

  it('on embeddings without the training images', () => {
    const steps = (splits: string) => [data(), pretrain(''), embed('p', `, splits: ${splits}`), adapt('a', 'embed-p')];
    expect(said(steps('[test]'))).toEqual([
      at(steps('[test]'), 'splits', 'splits must have train: step a learns from the training images'),
    ]);
    expect(said(steps('[test, train]'))).toEqual([]);
    expect(said(steps('[test]').slice(0, 3))).toEqual([]);
  });
});

describe('a search by projections is refused where the encoder has no projection head', () => {
  const why = (encoder: string, reason: string) =>
    `of: projection needs a projection head, and the encoder of step ${encoder} has none: ${reason}; leave of out, and images are compared by their embeddings`;

  it.each([
    ['projection: none', pretrain('projection: none'), why('p', 'it is trained with projection: none')],
    ['a classifier', classifier(''), why('p', 'it is trained with a classifier')],
    ['weights from elsewhere', loaded('resnet50'), why('enc', 'weights from elsewhere have none')],
  ])('%s', (_, step, message) => {
    const encoder = step.split(':')[0] ?? '';
    const steps = [data(), step, search(encoder)];
    expect(said(steps)).toEqual([at(steps, 'projection }', message)]);
  });

  it('an adapter, and not a head', () => {
    const steps = [
      data(),
      pretrain(''),
      'e: { uses: embed, needs: [data, p] }',
      'a: { uses: adapt, needs: [e] }',
      search('a'),
    ];
    expect(said(steps)).toEqual([at(steps, 'projection }', why('a', 'it has an adapter'))]);
    expect(said([data(), pretrain('projection: linear'), search('p')])).toEqual([]);
  });
});

describe('a training is refused', () => {
  it.each([
    [
      'that has nothing to train',
      `initialWeights: ${weights}, freeze: all, projection: none`,
      'nothing is left to train: the whole encoder is frozen, and projection: none has no weights; freeze fewer stages, or use a projection',
    ],
    [
      'whose last stage is frozen, which is the same',
      `encoder: resnet50, initialWeights: ${weights}, freeze: { until: layer4 }, projection: none`,
      'nothing is left to train: the whole encoder is frozen, and projection: none has no weights; freeze fewer stages, or use a projection',
    ],
    [
      'whose batch is not made of whole parts',
      'batch: 128, microbatch: 48',
      'microbatch must divide the batch of 128 images',
    ],
    [
      'whose balanced batches never are, however many classes there are',
      'batch: 16, microbatch: 24, sampler: { balanced: { perClass: 8 } }',
      'microbatch must divide the batch of 16 images',
    ],
    [
      'whose batch in one part is to be shared out',
      'batch: 128, replicas: 4',
      'replicas: 4 shares out the parts of a batch, and without microbatch it is in one part; write microbatch: 32, or a divisor of it',
    ],
    [
      'whose parts do not come out even',
      'batch: 96, microbatch: 16, replicas: 4',
      'replicas: 4 shares out the parts of a batch, and those of 16 images do not come out even; write microbatch: 24, or a divisor of it',
    ],
    [
      'whose batch has no share for each',
      'batch: 100, microbatch: 10, replicas: 3',
      'replicas: 3 shares out the parts of a batch, and those of 10 images do not come out even; choose a batch that is a multiple of 3, and a microbatch that divides its 3 shares',
    ],
    [
      'that joins the parts of a batch in one part',
      'batch: 128, microbatch: 128, syncBatchNorm: true',
      'syncBatchNorm joins the parts of a batch, and there is one; write a microbatch below batch, or leave it out',
    ],
    [
      'that is shared out without a graph',
      'engine: eager, batch: 8, microbatch: 4, replicas: 2',
      'replicas: 2 is in the captured graph, so it needs engine: graph',
    ],
    [
      'in bfloat16 without a graph',
      'engine: eager, precision: bfloat16',
      'precision: bfloat16 is a rewrite of the graph, so it needs engine: graph',
    ],
    [
      'whose confused classes and positives go by different labels',
      'loss: { supcon: { positives: share } }, sampler: { balanced: { perClass: 8, within: confused } }',
      'within: confused goes by classes, and loss.supcon.positives by further labels; write within: category, or leave one of them out',
    ],
  ])('%s', (_, parameters, message) => {
    expect(said([table('{ labels: [colour] }'), pretrain(parameters)])).toEqual([
      expect.stringMatching(new RegExp(`^p\\.yaml:4:\\d+: ${message.replaceAll(/[.()]/g, '\\$&')}$`)),
    ]);
  });

  it('not where a loss learns classes, or a batch is smaller for want of classes', () => {
    expect(
      said([data(), pretrain(`initialWeights: ${weights}, freeze: all, projection: none, loss: arcFace`)]),
    ).toEqual([]);
    expect(said([data(), pretrain('batch: 128, microbatch: 40, sampler: { balanced: { perClass: 8 } }')])).toEqual([]);
    expect(
      said([data(), pretrain('batch: 128, microbatch: 20, replicas: 2, sampler: { balanced: { perClass: 8 } }')]),
    ).toEqual([]);
    for (const even of ['batch: 96, microbatch: 8, replicas: 4', 'replicas: auto', 'replicas: 1'])
      expect(said([data(), pretrain(even)])).toEqual([]);
  });

  it.each(['fashion-mnist', 'mnist', 'generated', 'cifar10, path: a', 'image-folder, path: a'])(
    'by categories of %s, which has none',
    (source) => {
      const step = `data: { uses: prepare-data, with: { dataset: ${source} } }`;
      const steps = [step, pretrain('sampler: { balanced: { perClass: 8, within: category } }')];
      expect(said(steps)).toEqual([
        at(
          steps,
          'category',
          'within: category needs categories, and the images of step data have none: they come from the column `category` of a table, or from a step of your own; leave within out',
        ),
      ]);
    },
  );

  it('by categories or further labels of a table whose columns have none', () => {
    const byCategory = pretrain('sampler: { balanced: { perClass: 8, within: category } }');
    expect(said([table('{ category: false }'), byCategory])).toHaveLength(1);
    expect(said([table(), byCategory])).toEqual([]);
    const byLabels = pretrain('loss: { supcon: { positives: any } }');
    expect(said([table(), byLabels])).toEqual([
      at(
        [table(), byLabels],
        'any',
        'positives: any needs further labels, and the images of step data have none: a table gives them by `columns.labels`',
      ),
    ]);
    expect(said([table('{ labels: [colour] }'), byLabels])).toEqual([]);
  });

  it('by nothing that waits for the result of a step', () => {
    const open = 'batch: "${steps.data.result.classes}", microbatch: 48, encoder: vit';
    expect(said([photos(64), pretrain(open)])).toEqual([]);
    // What does not wait is checked all the same.
    expect(said([photos(40), pretrain(open)])).toEqual([expect.stringContaining('vit needs sides')]);
  });
});
