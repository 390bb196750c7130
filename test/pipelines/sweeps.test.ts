import { describe, expect, it } from 'vitest';
import { resultOfSweep } from '../../activities/sweep.ts';
import type { Json } from '../../contracts/json.ts';
import { sweepParameters } from '../../contracts/kinds/sweep.ts';
import type { Plan } from '../../contracts/plan.ts';
import { planSchema } from '../../contracts/plan.ts';
import { readPipeline, resolveResults } from '../../pipelines/language/index.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { planOf } from './plan.ts';

const settings = (more: Readonly<Record<string, string>> = {}) => {
  const all: Record<string, string> = {
    trials: '6',
    over: '{ learningRate: { log: [0.001, 1] }, temperature: [0.05, 0.1] }',
    objective: '{ maximise: "${steps.probe.result.validationTop1}" }',
    ...more,
  };
  return Object.entries(all)
    .map(([key, value]) => `      ${key}: ${value}`)
    .join('\n');
};
const usual = `
        pretrain:
          uses: pretrain
          with: { epochs: 9, seed: "\${sweep.seed}", optimizer: { name: adam, learningRate: "\${sweep.learningRate}" }, loss: { supcon: { temperature: "\${sweep.temperature}" } } }
        probe: { uses: linear-probe, needs: [pretrain] }`;
const swept = (more: Readonly<Record<string, string>> = {}, steps = usual, after = '') => `
  data: { uses: prepare-data, with: { dataset: generated } }
  sweep:
    uses: sweep
    needs: [data]
    with:
${settings(more)}
      steps:${steps}
  evaluate: { uses: evaluate, needs: [sweep], with: { refusals: 0.05 } }
${after}`;
const mistakesIn = (steps: string) => {
  const { problems } = readPipeline({ text: `name: test\nsteps:\n${steps}\n`, file: 'test.yaml' });
  return problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
};
const mistakes = (more: Readonly<Record<string, string>>, steps?: string, after?: string) =>
  mistakesIn(swept(more, steps, after)).map((text) => text.replace(/^\d+:\d+: /, ''));

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

describe('a mistake in a sweep', () => {
  it('is told where it stands', () => {
    expect(
      mistakesIn(swept({ objective: '{ maximise: "${steps.probe.result.validation}" }' })).map((text) =>
        text.replace(/; .*/, ''),
      ),
    ).toEqual(['11:30: a linear-probe step has no result validation']);
    expect(mistakesIn(swept({}, `\n        probe: { uses: linear-prob }`))[0]).toMatch(
      /^13:24: there is no kind of step "linear-prob"; did you mean linear-probe\?/,
    );
  });

  it.each([
    [{ search: 'grid' }, 'trials is of no use in a grid, which tries every combination'],
    [{ trials: '0' }, 'trials must be at least 1, not 0'],
    [{ over: '{ rate: [1] }' }, 'the sweep tries no learningRate'],
    [
      { over: '{ learningRate: [0.1], temperature: [0.1], depth: [1] }', trials: '1' },
      'no step of a trial uses ${sweep.depth}, so nothing is tried',
    ],
    [{ over: '{ learningRate: { log: [1, 0.1] }, temperature: [0.1] }' }, 'must be two numbers, the smaller first'],
    [{ over: '{ learningRate: [0.1, 0.2], temperature: [0.1] }' }, 'there are only 2 combinations'],
    [
      { over: '{ learningRate: { linear: [-1, 1] }, temperature: [0.1, 0.2] }' },
      'where learningRate is -1: learningRate must be at least',
    ],
    [{ halving: '{ from: 9 }' }, 'from must be less than the 9 epochs of the training, not 9'],
    [{ halving: '{ from: 1, of: probe }' }, 'probe is no training of a trial; there are pretrain'],
    [{ seeds: '[1, 1]' }, 'seeds must be different'],
    [{ objective: '{ maximise: 1 }' }, 'the objective must be the result of a step of the trial'],
    [{ objective: '{ maximise: "${steps.probe.result.classifier}" }' }, 'classifier of step probe is no number'],
    [{ budget: '{ epochs: 8 }' }, 'one trial takes 9 epochs, more than the budget of 8'],
    [{ trials: '1000', halving: '{ from: 1 }', seeds: '3' }, 'at most 4000 are allowed'],
    [{ ended: '{}' }, 'unknown key ended'],
  ])('%o', (more, message) => {
    expect(mistakes(more as unknown as Record<string, string>).join('\n')).toContain(message);
  });

  it('of a step of a trial: what it cannot have, and what it cannot be', () => {
    const said = (step: string) => mistakes({}, `${usual}\n        more: { ${step} }`).join('\n');
    expect(said('uses: embed, needs: [pretrain], matrix: { x: [1] }')).toContain('a step of a trial has no matrix');
    expect(said('uses: embed, needs: [pretrain], when: "true"')).toContain('a step of a trial has no condition');
    expect(said('uses: promote, needs: [probe], with: { model: a }')).toContain('promote does something that a trial');
    expect(mistakes({}, `\n        trial: { uses: linear-probe }`).join('\n')).toContain('cannot be called trial');
    expect(mistakes({}, `${usual}\n        data: { uses: embed }`).join('\n')).toContain(
      'there is a step data already',
    );
    expect(
      mistakesIn(`  a: { uses: prepare-data, with: { dataset: generated, generated: { images: "\${sweep.x}" } } }`)[0],
    ).toContain('${sweep.…} is for the steps of a sweep');
  });

  it('that seeds would be equal trainings, or that rungs cannot be counted', () => {
    const fixed = usual.replace('"${sweep.seed}"', '0');
    expect(mistakes({ seeds: '3' }, fixed).join('\n')).toContain('no step of a trial uses ${sweep.seed}');
    expect(
      mistakes({ halving: '{ from: 1 }' }, usual.replace('epochs: 9', 'epochs: 9, stop: { patience: 2 }')).join('\n'),
    ).toContain('leave stop out, or halving');
  });
});

describe('test images', () => {
  const through = (step: string, objective: string) =>
    mistakes({ objective: `{ maximise: "\${steps.${objective}}" }` }, `${usual}\n${step}`);

  it('are out of reach of the objective, directly or through other steps', () => {
    const refused = (step: string) => new RegExp(`the objective must not depend on test images, and step ${step} `);
    const evaluated = `        measure: { uses: evaluate, needs: [probe] }`;
    expect(through(evaluated, 'measure.result.top1')[0]).toMatch(refused('measure'));
    const adapted = (splits: string) => `        embed: { uses: embed, needs: [pretrain]${splits} }
        adapted: { uses: adapt, needs: [embed] }
        measure: { uses: linear-probe, needs: [adapted] }`;
    expect(through(adapted(''), 'measure.result.validationTop1')[0]).toMatch(
      /step embed .*splits: \[train, validation\]/,
    );
    expect(through(adapted(', with: { splits: [train, validation] }'), 'measure.result.validationTop1')).toEqual([]);
    const searched = (query: string) => `        search: { uses: retrieval, needs: [pretrain]${query} }`;
    expect(through(searched(''), 'search.result.recallAt1')[0]).toMatch(refused('search'));
    expect(through(searched(', with: { query: { split: validation } }'), 'search.result.recallAt1')).toEqual([]);
    const program = `        score: { uses: run, with: { command: [score], inputs: { data: "\${steps.data.result.dataset}" }, result: { score: number } } }`;
    expect(through(program, 'score.result.score')[0]).toMatch(refused('score'));
  });

  it('may be looked at by a step of a trial that decides nothing', () => {
    expect(through('        measure: { uses: evaluate, needs: [probe] }', 'probe.result.validationTop1')).toEqual([]);
  });
});
