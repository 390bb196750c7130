import { expect, it } from 'vitest';
import { compareParameters } from '../../contracts/kinds/compare.ts';
import { resolveResults } from '../../pipelines/language/expressions/references.ts';
import { planOf } from './plan.ts';

const arms = `
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { seed: [0, 1] }
    with: { seed: "\${matrix.seed}", checkpoint: { keep: { every: 10 } } }
  curve:
    uses: learning-curve
    matrix: pretrain
    with: { training: "\${steps.pretrain.result.trained}" }
  probe: { uses: linear-probe, matrix: pretrain, needs: [pretrain] }
  evaluate: { uses: evaluate, matrix: pretrain, needs: [probe] }
  baseline: { uses: train-classifier, needs: [data], matrix: { seed: [0, 1] }, with: { seed: "\${matrix.seed}" } }
  baseline-evaluate: { uses: evaluate, matrix: baseline, needs: [baseline] }`;

it('a learning curve is measured of each training of a matrix, and two matrices are compared', () => {
  const plan = planOf(`${arms}
  versus:
    uses: compare
    with:
      a: { name: SupCon, evaluations: "\${steps.evaluate.result.evaluation}" }
      b: { name: cross-entropy, evaluations: "\${steps.baseline-evaluate.result.evaluation}" }`);
  const curve = plan.steps.find(({ id }) => id === 'curve@seed=1');
  expect(curve?.with.training).toBe('${steps.pretrain@seed=1.result.trained}');
  expect(curve?.inputs.dataset?.step).toBe('data');
  const versus = plan.steps.find(({ id }) => id === 'versus');
  expect(versus?.needs).toEqual(expect.arrayContaining(['evaluate@seed=0', 'baseline-evaluate@seed=1']));

  const results = Object.fromEntries(
    plan.steps.map(({ id }, index) => [
      id,
      { evaluation: { kind: 'evaluation', digest: index.toString(16).padStart(64, '0') } },
    ]),
  );
  const { a, b } = compareParameters.parse(
    resolveResults(versus?.with ?? {}, results, { ...(plan.matrices ? { matrices: plan.matrices } : {}) }),
  );
  expect(a.evaluations).toEqual([results['evaluate@seed=0']?.evaluation, results['evaluate@seed=1']?.evaluation]);
  expect(b.evaluations).toHaveLength(2);
});

it('a mistake in an arm is found in the file, at its place', () => {
  const withArm = (arm: string) => () =>
    planOf(`${arms}
  versus:
    uses: compare
    with:
      a: { name: SupCon, evaluations: "\${steps.evaluate.result.evaluation}" }
      b: ${arm}`);
  expect(withArm('{ name: b, evaluatoins: "${steps.baseline-evaluate.result.evaluation}" }')).toThrow(/evaluatoins/);
  expect(withArm('{ name: b, evaluations: "${steps.baseline-evaluate.result.top6}" }')).toThrow(/top6/);
  expect(withArm('{ name: b }')).toThrow(/evaluations/);
});
