import { expect, it } from 'vitest';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { whyFixed } from '../../workflows/fixed-steps.ts';
import { planOf } from '../pipelines/plan.ts';
import { swept, usual } from '../pipelines/swept.ts';

const after = `  split: { uses: run, with: { command: [split], result: { parts: list } } }
  each: { uses: run, matrix: { part: "\${steps.split.result.parts}" }, with: { command: [measure, "\${matrix.part}"] } }`;
const { plan } = expandPlan(planOf(swept({}, usual, after)), { split: { parts: ['a'] } });
const why = (id: string) =>
  whyFixed(
    plan,
    id,
    plan.steps.find((step) => step.id === id),
  );

it('while a run goes on, what a sweep tries is fixed, and so is each of its trials', () => {
  expect(why('sweep')).toBe(
    'What sweep tries is decided when the run is started. `contrail resume --set` changes a param of the pipeline.',
  );
  expect(why('sweep-pretrain@trial=0')).toMatch(
    /^Step sweep-pretrain@trial=0 is of a trial of sweep, whose parameters/,
  );
  expect(why('sweep-trial@trial=0')).toContain('the search decides');
});

it('the items of a list are fixed, and other steps are not', () => {
  for (const id of ['each', 'each@part=a'])
    expect(why(id)).toContain('is there for the items of a list, which step split gives');
  expect(why('data')).toBeNull();
  expect(why('evaluate')).toBeNull();
});
