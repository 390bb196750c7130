import { expect, it } from 'vitest';
import { parsePipeline } from '../../pipelines/language/index.ts';

const inputsOf = (outOfDistribution: string) =>
  parsePipeline({
    text: `
name: outside
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  digits: { uses: prepare-data, with: { dataset: mnist } }
  train: { uses: train-classifier, needs: [data] }
  known: ${outOfDistribution}
`,
    file: 'outside.yaml',
  }).steps.find(({ id }) => id === 'known')?.inputs;

it('of two inputs of the same kind, one is named and the graph finds the other, however near the named one is', () => {
  expect(
    inputsOf('{ uses: out-of-distribution, needs: [train], with: { outside: "${steps.digits.result.dataset}" } }'),
  ).toMatchObject({ dataset: { step: 'data' }, outside: { step: 'digits' }, classifier: { step: 'train' } });
});

it('both may be named', () => {
  expect(
    inputsOf(
      '{ uses: out-of-distribution, needs: [train], with: { dataset: "${steps.data.result.dataset}", outside: "${steps.digits.result.dataset}" } }',
    ),
  ).toMatchObject({ dataset: { step: 'data' }, outside: { step: 'digits' } });
});

it('an input that a kind can do without is taken where it is named, and never from the graph', () => {
  expect(inputsOf('{ uses: inspect-data, needs: [train] }')).toEqual({
    dataset: { step: 'data', field: 'dataset', kind: 'dataset' },
  });
  expect(
    inputsOf('{ uses: inspect-data, needs: [data], with: { encoder: "${steps.train.result.encoder}" } }'),
  ).toMatchObject({ dataset: { step: 'data' }, encoder: { step: 'train', kind: 'encoder' } });
});

it('promote takes what its metric is of: an evaluation, or a retrieval', () => {
  const inputs = (metric: string) =>
    parsePipeline({
      text: `
name: promoted
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  train: { uses: train-classifier, needs: [data] }
  measure: { uses: evaluate, needs: [train] }
  search: { uses: retrieval, needs: [train] }
  release: { uses: promote, needs: [measure, search], with: { model: gratings, metric: ${metric} } }
`,
      file: 'promoted.yaml',
    }).steps.find(({ id }) => id === 'release')?.inputs;
  expect(inputs('knn')).toEqual({ evaluation: { step: 'measure', field: 'evaluation', kind: 'evaluation' } });
  expect(inputs('recallAt1')).toEqual({ retrieval: { step: 'search', field: 'retrieval', kind: 'retrieval' } });
});
