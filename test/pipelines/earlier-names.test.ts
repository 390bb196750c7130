import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contracts/plan.ts';
import { withEarlierNames } from '../../pipelines/language/interpret/earlier-names.ts';
import { planOf } from './plan.ts';

const steps = (seeds: string) => `
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { loss: [{ triplet: { margin: soft } }, supcon], seed: ${seeds} }
    with: { encoder: small-resnet, loss: "\${matrix.loss}", seed: "\${matrix.seed}" }
  probe: { uses: linear-probe, needs: [pretrain], matrix: pretrain, when: "steps.pretrain.result.loss < 3.0" }
  note: { uses: prepare-data, needs: [probe], with: { dataset: image-folder, path: "\${steps.pretrain@loss=triplet-margin-soft,seed=0.result.loss}" } }`;

/** The same plan as an earlier version named its steps. */
const asBefore = (plan: Plan): Plan =>
  JSON.parse(JSON.stringify(plan).replaceAll('triplet-margin-soft', '-triplet-margin-soft-')) as Plan;

describe('a run that an earlier version began', () => {
  it('keeps the names of its steps when it is planned again, wherever they stand', () => {
    const before = asBefore(planOf(steps('[0, 1]')));
    expect(withEarlierNames(planOf(steps('[0, 1]')), before)).toEqual(before);
  });

  it('has new names for what is new', () => {
    const before = asBefore(planOf(steps('[0]')));
    const ids = withEarlierNames(planOf(steps('[0, 1]')), before).steps.map(({ id }) => id);
    expect(ids).toContain('pretrain@loss=-triplet-margin-soft-,seed=0');
    expect(ids).toContain('pretrain@loss=triplet-margin-soft,seed=1');
  });

  it('of this version is as it was planned', () => {
    const plan = planOf(steps('[0]'));
    expect(withEarlierNames(plan, plan)).toBe(plan);
  });
});
