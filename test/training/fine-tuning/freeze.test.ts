import { describe, expect, it } from 'vitest';
import { stageNames } from '../../../contracts/encoder-stages.ts';
import { encoderSchema } from '../../../contracts/training.ts';
import { repeatViews } from '../../../training/augmentation/view-groups.ts';
import { createEncoder } from '../../../training/models/create-encoder.ts';
import { gatherBatch } from '../../../training/step.ts';
import { batch, crossEntropy, difference, engines, openModel, supcon } from './small-model.ts';

const encoders = [
  { name: 'small-resnet' },
  { name: 'small-resnet', blocks: [1, 3] },
  { name: 'resnet50v2' },
  { name: 'resnet50v2', stem: 'cifar' },
  { name: 'resnet50' },
  { name: 'convnext' },
  { name: 'vit' },
  { name: 'mobilenetv3', size: 'small' },
  { name: 'mobilenetv3', size: 'large' },
].map((each) => encoderSchema.parse(each));

describe.each(encoders)('the stages of $name $stem $blocks', (config) => {
  const { parameters, stages } = createEncoder(config, { height: 32, width: 32, channels: 3 });

  it('are those that a pipeline may name', () => {
    expect(stages.map(({ name }) => name)).toEqual(stageNames(config));
  });

  it('hold each parameter once, from input to output', () => {
    expect(stages.flatMap((stage) => stage.parameters)).toEqual(parameters.map(({ name }) => name));
  });
});

/** Parameters of a step that changed, and those that did not. */
function changed(training: ReturnType<typeof openModel>, steps = 2) {
  const before = training.read();
  for (let index = 0; index < steps; index++) training.run(index);
  const after = training.read();
  const names = training.model.encoder.parameters.map(({ name }) => name);
  const isSame = (name: string) => before.get(name)?.join() === after.get(name)?.join();
  return { changed: names.filter((name) => !isSame(name)), kept: names.filter(isSame), before, after };
}

const kinds = {
  'a step of cross-entropy': crossEntropy,
  'a step of SupCon in parts': (changes: object) => supcon({ ...changes, microbatch: batch / 2 }),
  'a step of cross-entropy in parts': (changes: object) => crossEntropy({ ...changes, microbatch: batch / 2 }),
  'a step with small views': (changes: object) => supcon({ ...changes, multiCrop: { views: 2, size: 8 } }),
};

for (const [what, configOf] of Object.entries(kinds))
  describe(what, () => {
    for (const engine of Object.keys(engines) as (keyof typeof engines)[])
      it(`keeps every bit of the stages that are frozen, batch normalisation included, and trains the rest (${engine})`, () => {
        const training = openModel(configOf({ freeze: { until: 'stage1' } }), engine);
        const { encoder, trainable, optimizer } = training.model;
        const frozen = encoder.stages.slice(0, 2).flatMap(({ parameters }) => parameters);
        const { kept, changed: trained } = changed(training);
        expect(kept).toEqual(frozen);
        expect(trained).toHaveLength(encoder.parameters.length - frozen.length);
        expect(trainable.filter(({ name }) => frozen.includes(name))).toEqual([]);
        expect(optimizer.slots).toHaveLength(trainable.length);
        training.close();
      });
  });

describe('an encoder that is frozen as a whole', () => {
  it('keeps every bit while the head learns', () => {
    const training = openModel(supcon({ freeze: 'all' }));
    const { changed: trained, before, after } = changed(training);
    expect(trained).toEqual([]);
    const { trainable } = training.model;
    expect(trainable.map(({ name }) => name.split('/')[0])).toEqual(
      ['projection_hidden', 'projection_output'].flatMap((layer) => [layer, layer]),
    );
    for (const { name } of trainable) expect(after.get(name)).not.toEqual(before.get(name));
    training.close();
  });

  it('is that of which the last stage is frozen', () => {
    const [all, last] = [openModel(supcon({ freeze: 'all' })), openModel(supcon({ freeze: { until: 'post' } }))];
    expect(all.model.trainable).toEqual(last.model.trainable);
    expect(all.run(0)).toBe(last.run(0));
    for (const each of [all, last]) each.close();
  });

  it('embeds by its moving statistics, as it does when it is used', () => {
    const { model, execution, run, close } = openModel(supcon({ freeze: 'all', augmentation: 'none' }), 'eager');
    const rows = {
      dtype: 'int32',
      shape: [batch],
      values: Int32Array.from({ length: batch }, (_, row) => row),
    } as const;
    const [loss] = execution.compile((inputs, { variables, resident }) => {
      const { images, labels } = gatherBatch(inputs, resident);
      const embeddings = model.encoder.embed(model.prepare(images), { variables });
      const projections = model.objective.head(embeddings, { variables });
      return [model.objective.loss(repeatViews(projections, 2), repeatViews(labels, 2), variables)];
    })(rows)[0] as Float32Array;
    expect(run(0)).toBeCloseTo(loss ?? Number.NaN, 5);
    close();
  });
});

it('the stages after the frozen ones have the gradient that they have without freezing', () => {
  const config = { optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0 } };
  const [free, frozen] = [openModel(supcon(config)), openModel(supcon({ ...config, freeze: { until: 'stage1' } }))];
  // The statistics of the frozen layers are those of the batch: the moving ones are a hundredth of the way there.
  const initial = free.read();
  free.run(0);
  const moved = free.read();
  const { statistics } = frozen.model;
  const ofBatch = free.model.statistics
    .filter(({ name }) => !statistics.some((each) => each.name === name))
    .map(({ name }) => {
      const start = initial.get(name) ?? [];
      const moving = moved.get(name) ?? [];
      return [
        name,
        Float32Array.from(moving, (value, at) => (start[at] ?? 0) + 100 * (value - (start[at] ?? 0))),
      ] as const;
    });
  expect(ofBatch).toHaveLength(4);
  frozen.execution.write(new Map(ofBatch));
  frozen.run(0);
  const trained = new Set(frozen.model.trainable.map(({ name }) => name));
  const rest = (state: ReadonlyMap<string, readonly number[]>) =>
    new Map([...state].filter(([name]) => trained.has(name)));
  expect(difference(rest(moved), rest(frozen.read())).relative).toBeLessThan(1e-4);
  expect(difference(rest(moved), rest(initial)).relative).toBeGreaterThan(1e-2);
  for (const each of [free, frozen]) each.close();
});

it('a stage that the encoder does not have is refused with those that it has', () => {
  expect(() => openModel(supcon({ freeze: { until: 'stage3' } }))).toThrow(
    'freeze.until must be a stage of small-resnet (stem, stage1, stage2, post), not "stage3".',
  );
});
