import { describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import { parsePipeline, type Settings, settingsOf, writtenSettings } from '../../pipelines/language/index.ts';

const file = 'p.yaml';
/** The settings of the step that trains. */
function trained(settings: string, params = ''): Settings {
  const text = `name: p\n${params}steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  train: { uses: pretrain, needs: [data], with: { ${settings} } }\n`;
  const step = parsePipeline({ text, file }).steps.find(({ uses }) => uses === 'pretrain');
  const written = writtenSettings({ text, file }, {}, {}).get('train');
  if (!step || !written) throw new Error('there is a step');
  return settingsOf(step, written);
}
const at = ({ settings }: Settings, path: string) => {
  const { path: _, ...found } = settings.find((each) => each.path === path) ?? { path };
  return found;
};

describe('where a parameter comes from', () => {
  it('is the pipeline, the recipe that it names, or the default', () => {
    const found = trained('recipe: small-data, seed: 3, epochs: 12');
    expect(found.recipe).toBe('small-data');
    expect(at(found, 'seed')).toEqual({ value: 3, from: 'pipeline' });
    expect(at(found, 'batch')).toEqual({ value: 128, from: 'recipe' });
    expect(at(found, 'precision')).toEqual({ value: 'float32', from: 'default' });
  });

  it('is the pipeline where it has precedence, and what the recipe says stands beside it', () => {
    const found = trained('recipe: small-data, epochs: 12, optimizer: { learningRate: 0.05 }, batch: 128');
    expect(at(found, 'epochs')).toEqual({ value: 12, from: 'pipeline', instead: 40 });
    expect(at(found, 'optimizer.learningRate')).toEqual({ value: 0.05, from: 'pipeline', instead: 0.2 });
    expect(at(found, 'optimizer.weightDecay')).toEqual({ value: 0.0001, from: 'recipe' });
    expect(at(found, 'batch')).toEqual({ value: 128, from: 'pipeline' });
    expect(found.unused).toEqual([]);
  });

  it('names what another choice leaves of the recipe unused', () => {
    const found = trained('recipe: small-data, encoder: small-resnet, optimizer: adam, loss: triplet');
    expect(at(found, 'optimizer.name')).toEqual({ value: 'adam', from: 'pipeline', instead: 'sgd' });
    expect(at(found, 'optimizer.learningRate')).toMatchObject({ from: 'default' });
    expect(found.unused).toEqual([
      { path: 'encoder.channels', value: 16 },
      { path: 'encoder.blocks', value: [1, 1, 1] },
      { path: 'loss.supcon.temperature', value: 0.1 },
      { path: 'optimizer.learningRate', value: 0.2 },
      { path: 'optimizer.weightDecay', value: 0.0001 },
    ]);
  });

  it('is told of a choice that is written by its name, whose settings are defaults', () => {
    const found = trained('encoder: small-resnet, loss: triplet, augmentation: simclr');
    expect(at(found, 'encoder.name')).toEqual({ value: 'small-resnet', from: 'pipeline' });
    expect(at(found, 'loss')).toEqual({ value: 'triplet', from: 'pipeline' });
    expect(at(found, 'loss.triplet.margin')).toEqual({ value: 0.2, from: 'default' });
    expect(at(found, 'augmentation')).toEqual({ value: 'simclr', from: 'pipeline' });
  });

  it('is the pipeline also where a param says it', () => {
    const params = 'params: { steps: 7, how: { balanced: { perClass: 4 } } }\n';
    const text = 'encoder: small-resnet, epochs: "${params.steps}", sampler: "${params.how}", batch: 16';
    expect(at(trained(text, params), 'epochs')).toEqual({ value: 7, from: 'pipeline' });
    expect(at(trained(text, params), 'sampler.balanced.perClass')).toEqual({ value: 4, from: 'pipeline' });
  });

  it('covers every parameter of the plan, of every step of a matrix', () => {
    const text = `name: p\nsteps:
  data: { uses: prepare-data, with: { dataset: generated } }
  train:
    uses: pretrain
    needs: [data]
    matrix: { loss: [supcon, triplet], seed: [0, 1] }
    with: { recipe: small-data, loss: "\${matrix.loss}", seed: "\${matrix.seed}" }\n`;
    const plan = parsePipeline({ text, file });
    const written = writtenSettings({ text, file }, {}, {});
    for (const step of plan.steps) {
      const { settings } = settingsOf(step, written.get(step.id) ?? {});
      for (const { path, value } of settings) {
        const found = path
          .split('.')
          .reduce<Json | undefined>((so, key) => (so as { [key: string]: Json })?.[key], step.with);
        if (path !== 'loss') expect([path, found]).toEqual([path, value]);
      }
      for (const name of Object.keys(step.with))
        expect(settings.some(({ path }) => path.split('.')[0] === name)).toBe(true);
    }
  });
});
