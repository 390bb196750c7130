import { describe, expect, it } from 'vitest';
import { pretrainParameters } from '../../contracts/kinds/pretrain.ts';
import { pretrainRecipes } from '../../contracts/recipes.ts';
import { formatProblem, readPipeline } from '../../pipelines/language/index.ts';
import { planOf } from './plan.ts';

const data = '  data: { uses: prepare-data, with: { dataset: generated } }';
const pretrained = (parameters: string, more = '') =>
  planOf(`${data}\n  pretrain: { uses: pretrain, needs: [data], with: ${parameters}${more} }`).steps.filter(
    ({ uses }) => uses === 'pretrain',
  );
const mistakes = (step: string) =>
  readPipeline({ text: `name: a\nsteps:\n${data}\n  ${step}`, file: 'p.yaml' }, {}).problems.map(formatProblem);

describe('a recipe', () => {
  it.each(Object.entries(pretrainRecipes))(
    '%s: the plan has what it stands for, and not its name',
    (recipe, { with: settings }) => {
      // Which goes with weights from elsewhere alone.
      const initialWeights = recipe === 'fine-tune' ? { path: 'a', sha256: '0'.repeat(64) } : undefined;
      const more = initialWeights ? `, initialWeights: ${JSON.stringify(initialWeights)}` : '';
      const [step] = pretrained(`{ recipe: ${recipe}${more} }`);
      const parsed = pretrainParameters.parse({ ...settings, initialWeights });
      expect(step?.with).toEqual(JSON.parse(JSON.stringify(parsed)));
    },
  );

  it('gives way to what the pipeline says, key by key', () => {
    const [step] = pretrained(
      '{ recipe: supcon-paper, epochs: 3, optimizer: { learningRate: 0.1 }, loss: { supcon: { queue: 64 } } }',
    );
    expect(step?.with).toMatchObject({
      epochs: 3,
      batch: 1024,
      optimizer: { name: 'sgd', learningRate: 0.1, weightDecay: 0.0001 },
      loss: { supcon: { temperature: 0.1, queue: 64 } },
    });
  });

  it('gives way to another choice as a whole, by its name alone too', () => {
    const changed = { name: 'adam', learningRate: 0.001, weightDecay: 0 };
    for (const optimizer of ['adam', '{ name: adam }'])
      expect(pretrained(`{ recipe: supcon-paper, optimizer: ${optimizer} }`)[0]?.with.optimizer).toMatchObject(changed);
  });

  it('gives way to another loss as a whole, by its name alone too', () => {
    for (const loss of ['triplet', '{ triplet: {} }'])
      expect(pretrained(`{ recipe: small-data, loss: ${loss} }`)[0]?.with.loss).toEqual({ triplet: { margin: 0.2 } });
  });

  it('may come from a matrix', () => {
    const steps = pretrained('{ recipe: "${matrix.recipe}" }', ', matrix: { recipe: [tutorial, supcon-paper] }');
    expect(steps.map(({ with: { batch } }) => batch)).toEqual([265, 1024]);
  });

  it('that there is not is refused, with those that there are', () => {
    expect(mistakes('p: { uses: pretrain, needs: [data], with: { recipe: tutorail } }')).toEqual([
      'p.yaml:4:55: there is no recipe "tutorail"; did you mean tutorial?; there is: tutorial, supcon-paper, small-data, fine-tune',
    ]);
    expect(mistakes('p: { uses: embed, needs: [data], with: { recipe: tutorial } }')).toContainEqual(
      expect.stringContaining('unknown key recipe'),
    );
  });
});
