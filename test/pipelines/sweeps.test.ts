import { describe, expect, it } from 'vitest';
import { resultOfSweep } from '../../activities/sweep.ts';
import type { Json } from '../../contracts/json.ts';
import { sweepParameters } from '../../contracts/kinds/sweep.ts';
import type { Plan } from '../../contracts/plan.ts';
import { planSchema } from '../../contracts/plan.ts';
import { resolveResults } from '../../pipelines/language/index.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { toleratedSteps } from '../../pipelines/language/interpret/tolerance.ts';
import { planOf } from './plan.ts';
import { mistakes, swept, usual } from './swept.ts';

/** What becomes of a plan whose trials come to these values. */
function trained(plan: Plan, scoreOf: (trial: number, seed: number, epochs: number) => number | null) {
  const results: Record<string, Json> = {};
  let now = plan;
  for (;;) {
    now = expandPlan(now, results).plan;
    const waiting = now.steps.filter(({ id, uses }) => uses === 'trial' && !(id in results));
    if (waiting.length === 0) return { plan: now, results };
    const [step] = waiting;
    if (!step) continue;
    const seeds = plan.sweeps?.sweep?.seeds ?? [0];
    const { trial = 0, epochs = 9 } = (step.matrix?.values ?? {}) as Record<string, number>;
    const values = seeds.map((seed) => scoreOf(trial, seed, epochs));
    const whole = values.every((value) => value !== null);
    results[step.id] = {
      values,
      value: whole ? values.reduce((sum, value) => sum + Number(value), 0) / values.length : null,
      seconds: 10,
      ...(whole ? {} : { lost: 'it diverged' }),
    };
  }
}

describe('a sweep', () => {
  it('is one step of the plan, whose trials have steps with ids of their own once the run begins', () => {
    const plan = planOf(swept({ halving: '{ from: 1, factor: 3 }' }));
    expect(plan.steps.map(({ id }) => id)).toEqual(['data', 'sweep', 'evaluate']);
    const { plan: begun } = expandPlan(plan, {});
    expect(begun.steps.slice(0, 4).map(({ id, needs }) => [id, needs])).toEqual([
      ['data', []],
      ['sweep-pretrain@trial=0,epochs=1', ['data']],
      ['sweep-probe@trial=0,epochs=1', ['data', 'sweep-pretrain@trial=0,epochs=1']],
      ['sweep-trial@trial=0,epochs=1', ['data', 'sweep-pretrain@trial=0,epochs=1', 'sweep-probe@trial=0,epochs=1']],
    ]);
    expect(begun.steps).toHaveLength(3 + 6 * 3);
    const [, pretrain] = begun.steps;
    expect(pretrain?.rung).toEqual({ until: 1 });
    // The schedule is that of the whole training.
    expect(pretrain?.with).toMatchObject({ epochs: 9, seed: 0 });
    expect(planSchema.parse(JSON.parse(JSON.stringify(begun)))).toBeDefined();
  });

  it('goes on with the best from where they stopped, and ends with the results of the winner', () => {
    const { plan, results } = trained(planOf(swept({ halving: '{ from: 1, factor: 3 }' })), (trial, _, epochs) =>
      trial === 4 ? null : trial / 10 + epochs / 100,
    );
    const promoted = plan.steps.filter(({ rung }) => rung?.after !== undefined);
    expect(promoted.map(({ id, rung }) => [id, rung])).toEqual([
      ['sweep-pretrain@trial=5,epochs=3', { until: 3, after: 'sweep-pretrain@trial=5,epochs=1' }],
      ['sweep-pretrain@trial=3,epochs=3', { until: 3, after: 'sweep-pretrain@trial=3,epochs=1' }],
      ['sweep-pretrain@trial=5,epochs=9', { until: 9, after: 'sweep-pretrain@trial=5,epochs=3' }],
    ]);
    const made = {
      ...results,
      'sweep-pretrain@trial=5,epochs=9': { encoder: { kind: 'encoder', digest: 'e'.repeat(64) }, loss: 1 },
      'sweep-probe@trial=5,epochs=9': {
        classifier: { kind: 'classifier', digest: 'c'.repeat(64) },
        validationTop1: 0.59,
      },
    };
    const end = plan.steps.find(({ id }) => id === 'sweep');
    const parameters = sweepParameters.parse(resolveResults(end?.with ?? {}, made));
    const result = resultOfSweep(parameters);
    expect(result).toMatchObject({ trial: 5, value: 0.59, deviation: null, trials: 6, lost: 1, epochs: 6 + 2 * 2 + 6 });
    expect(result.encoder).toEqual({ kind: 'encoder', digest: 'e'.repeat(64) });
    expect(result.classifier).toEqual({ kind: 'classifier', digest: 'c'.repeat(64) });
    expect(Object.keys(result.parameters)).toEqual(['learningRate', 'temperature']);
    expect(result.table.map(({ trial }) => trial)).toEqual([5, 3, 2, 1, 0, 4]);
    expect(result.table.at(-1)?.lost).toBe('it diverged');
  });

  it('has the same plan from all results at once as from one after the other', () => {
    for (const more of [{ halving: '{ from: 1 }' }, { search: 'tpe', trials: '20' }, { seeds: '2' }]) {
      const given = planOf(swept(more as unknown as Record<string, string>));
      const { plan, results } = trained(given, (trial, seed, epochs) => ((trial * 7 + seed) % 5) + epochs);
      expect(expandPlan(given, results).plan).toEqual(plan);
    }
  });

  it('repeats a trial for each seed, and takes what the best of these made', () => {
    const given = planOf(swept({ seeds: '[5, 6]', trials: '2' }));
    const { plan } = trained(given, (trial, seed) => trial + (seed === 6 ? 0.5 : 0));
    const ids = plan.steps.map(({ id }) => id);
    expect(ids).toContain('sweep-pretrain@trial=1,seed=6');
    expect(ids).not.toContain('sweep-trial@trial=1,seed=6');
    expect(plan.steps.find(({ id }) => id === 'sweep-pretrain@trial=1,seed=6')?.with.seed).toBe(6);
    const end = plan.steps.find(({ id }) => id === 'sweep')?.with.ended as { winner: Json };
    expect(end.winner).toMatchObject({
      trial: 1,
      seed: 6,
      values: [1, 1.5],
      steps: { probe: '${steps.sweep-probe@trial=1,seed=6.result}' },
    });
  });

  it('writes down what trials came to where, and when, its own step is done', () => {
    const settings = 'queue: mine\n    priority: 2\n    when: "steps.data.result.name != \'x\'"';
    const plan = planOf(swept().replace('    uses: sweep', `    uses: sweep\n    ${settings}`));
    const own = plan.steps.find(({ id }) => id === 'sweep');
    const trials = expandPlan(plan, {}).plan.steps.filter(({ uses }) => uses === 'trial');
    expect(trials).toHaveLength(6);
    for (const { queue, retry, timeoutMs, priority, when } of trials)
      expect({ queue, retry, timeoutMs, priority, when }).toEqual({
        queue: 'mine',
        retry: own?.retry,
        timeoutMs: own?.timeoutMs,
        priority: 2,
        when: own?.when,
      });
  });

  it('can lose any number of trials, but not what they came to: that ends the run as any failure does', () => {
    const { plan } = expandPlan(planOf(swept({ trials: '2' })), {});
    const lost = (failed: string) => toleratedSteps(plan, (id) => (id === failed ? 'failed' : 'done'));
    expect(lost('sweep-pretrain@trial=1')).toEqual(['sweep-pretrain@trial=1']);
    expect(lost('sweep-trial@trial=1')).toEqual([]);
  });

  it('reads nothing in what a trial failed with as a reference', () => {
    const { plan, results } = trained(planOf(swept({ trials: '2' })), (trial) => (trial === 1 ? null : 0.5));
    const failed = {
      ...results,
      'sweep-trial@trial=1': { values: [null], value: null, seconds: 1, lost: '${steps.nope.result.x}' },
    };
    const made = {
      ...failed,
      'sweep-pretrain@trial=0': { encoder: { kind: 'encoder', digest: 'e'.repeat(64) } },
      'sweep-probe@trial=0': { classifier: { kind: 'classifier', digest: 'c'.repeat(64) }, validationTop1: 0.5 },
    };
    const end = expandPlan(planOf(swept({ trials: '2' })), made).plan.steps.find(({ id }) => id === 'sweep');
    expect(plan.steps.map(({ id }) => id)).toContain('sweep-trial@trial=1');
    const { table } = resultOfSweep(sweepParameters.parse(resolveResults(end?.with ?? {}, made)));
    expect(table.at(-1)?.lost).toBe('${steps.nope.result.x}');
  });

  it('hands on the encoder of the last step that makes one, in whatever order they are written', () => {
    const steps = `
        adapted: { uses: adapt, needs: [embed] }
        embed: { uses: embed, needs: [pretrain], with: { splits: [train, validation] } }
        measure: { uses: linear-probe, needs: [adapted] }${usual.replace(/\n.*probe:.*/, '')}`;
    const plan = planOf(swept({ objective: '{ maximise: "${steps.measure.result.validationTop1}" }' }, steps));
    expect(plan.steps.find(({ id }) => id === 'sweep')?.with.takes).toMatchObject({
      encoder: { step: 'adapted' },
      classifier: { step: 'measure' },
    });
  });

  it('does what does not follow from the training once a trial, not at each rung', () => {
    const plan = planOf(
      swept(
        { halving: '{ from: 3 }' },
        `
        other: { uses: load-encoder, with: { encoder: small-resnet, weights: { path: w.safetensors, sha256: "${'0'.repeat(64)}" }, normalise: half } }${usual}`,
      ),
    );
    const { plan: grown } = trained(plan, (trial) => trial);
    const of = (base: string) => grown.steps.filter(({ matrix }) => matrix?.of === base).length;
    expect([of('sweep-other'), of('sweep-pretrain'), of('sweep-probe')]).toEqual([6, 8, 8]);
  });

  it('hands its encoder and classifier on to the steps that need it, and its parameters by name', () => {
    const plan = planOf(
      swept(
        {},
        usual,
        `  again: { uses: pretrain, needs: [data], with: { optimizer: { name: adam, learningRate: "\${steps.sweep.result.parameters.learningRate}" } } }`,
      ),
    );
    const { inputs } = plan.steps.find(({ id }) => id === 'evaluate') ?? {};
    expect(inputs?.encoder).toEqual({ step: 'sweep', field: 'encoder', kind: 'encoder' });
    expect(inputs?.classifier).toEqual({ step: 'sweep', field: 'classifier', kind: 'classifier' });
    expect(inputs?.dataset?.step).toBe('data');
    expect(
      mistakes(
        {},
        usual,
        `  again: { uses: pretrain, needs: [data], with: { seed: "\${steps.sweep.result.parameters.learningrate}" } }`,
      ),
    ).toEqual(['parameters has no result learningrate; did you mean learningRate?']);
  });

  it('begins as many trials as its budget of epochs pays for, with what follows', () => {
    const plan = planOf(swept({ trials: '60', halving: '{ from: 1, factor: 3 }', budget: '{ epochs: 60 }' }));
    // Of one epoch, two more, and six more; one trial more would take 27 + 9 * 2 + 3 * 6.
    expect(plan.sweeps?.sweep?.trials).toBe(26);
    expect(26 + 8 * 2 + 2 * 6).toBeLessThanOrEqual(60);
  });
});
