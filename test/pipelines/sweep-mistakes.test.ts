import { describe, expect, it } from 'vitest';
import { readPipeline } from '../../pipelines/language/index.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { planOf } from './plan.ts';
import { mistakes, mistakesIn, swept, usual } from './swept.ts';

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
    [
      { over: '{ learningRate: [0.1, 0.2], temperature: [0.1] }' },
      'trials must be at most 2, as many as there are combinations, not 6',
    ],
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

describe('what could only fail later', () => {
  const one = (settings: string) => usual.replace(/with: \{ epochs: 9.*/, `with: { epochs: 9, ${settings} }`);
  const of = (over: string, settings: string, more: Record<string, string> = {}) =>
    mistakes({ over, trials: '2', ...more }, one(settings));

  it('is a number that a range gives and its ends do not, or a whole range without whole ends', () => {
    expect(of('{ batch: { linear: [16, 64] } }', 'batch: "${sweep.batch}"')[0]).toMatch(
      /^where batch is 45\.\d+: batch must be a whole number/,
    );
    expect(of('{ batch: { linear: [16, 64], whole: true } }', 'batch: "${sweep.batch}"')).toEqual([]);
    expect(of('{ rate: { linear: [0.2, 0.8], whole: true } }', 'seed: "${sweep.rate}"')).toEqual([
      'linear must be two whole numbers where whole is true',
    ]);
    expect(of('{ rate: { log: [0, 1] } }', 'seed: "${sweep.rate}"')).toContain(
      'item 1 of log must be more than 0, not 0',
    );
  });

  it('is a value that is there twice, or more trials than there are whole numbers', () => {
    expect(of('{ batch: [32, 64, 32] }', 'batch: "${sweep.batch}"')).toEqual([
      'item 3 of batch is in the list before; write each value once',
    ]);
    const whole = '{ batch: { linear: [16, 18], whole: true } }';
    expect(of(whole, 'batch: "${sweep.batch}"', { trials: '4' })[0]).toContain('trials must be at most 3');
    expect(of('{}', 'seed: 1')).toEqual(['over is empty; at least one name with its values is needed']);
  });

  it('is a value that its training refuses, whatever the others are', () => {
    const batches = '{ batch: [128, 100], rate: { log: [0.01, 1] } }';
    const rate = 'optimizer: { name: sgd, learningRate: "${sweep.rate}" }';
    expect(of(batches, `batch: "\${sweep.batch}", microbatch: 32, ${rate}`)).toEqual([
      'where batch is 100: microbatch must divide the batch of 100 images',
    ]);
    expect(of('{ parts: [1, 3] }', 'batch: 128, microbatch: 32, replicas: "${sweep.parts}"')[0]).toContain(
      'where parts is 3: replicas: 3 shares out the parts of a batch',
    );
    // Told once, and not for each value.
    expect(of('{ seed: [1, 2] }'.replace('seed', 'x'), 'batch: 100, microbatch: 32, seed: "${sweep.x}"')).toEqual([
      'microbatch must divide the batch of 100 images',
    ]);
  });

  it('is a goal both to maximise and to minimise, or a table that would be too large to send', () => {
    const both = '{ maximise: "${steps.probe.result.validationTop1}", minimise: "${steps.pretrain.result.loss}" }';
    expect(mistakes({ objective: both })).toEqual(['objective must have either `maximise` or `minimise`']);
    const long = Array.from({ length: 999 }, (_, at) => `"${'x'.repeat(900)}${at}"`).join(', ');
    const told = mistakes(
      { over: `{ text: [${long}] }`, trials: '999', objective: '{ maximise: "${steps.score.result.score}" }' },
      '\n        score: { uses: run, with: { command: [score, "${sweep.text}"], result: { score: number } } }',
    );
    expect(told.find((text) => text.startsWith('the table'))).toMatch(
      /of 999 trials would have up to 1\.2 MiB; at most 768 KiB/,
    );
  });
});

describe('what a sweep is made of', () => {
  it('is written out: no param stands for its steps, its names, or the sweep itself', () => {
    const withParams = (text: string) =>
      readPipeline({
        text: `name: test\nparams: { x: sweep, rates: [0.1, 0.2], space: { learningRate: [0.1], temperature: [0.1] } }\nsteps:\n${text}`,
        file: 't.yaml',
      })
        .problems.map(({ message }) => message)
        .join('\n');
    expect(withParams(swept({ over: '"${params.space}"', trials: '1' }))).toMatch(
      /^over must be written out here[^\n]*$/,
    );
    expect(withParams(swept({}, ' "${params.x}"'))).toContain('the steps of a trial must be written out here');
    expect(withParams(swept().replace('uses: sweep', 'uses: "${params.x}"'))).toContain(
      'uses: sweep must be written out',
    );
    expect(withParams(swept({ over: '{ learningRate: "${params.rates}", temperature: [0.1] }', trials: '2' }))).toBe(
      '',
    );
    expect(mistakes({}, ' {}')).toContain('steps is empty; a trial needs at least one step');
    expect(mistakes({ trails: '3' }).join()).not.toContain('takes');
  });

  it('needs what its sweep needs, where a param says what that is too', () => {
    const text = `name: test\nparams: { data: data }\nsteps:\n${swept().replace('needs: [data]', 'needs: ["${params.data}"]')}`;
    const { plan, problems } = readPipeline({ text, file: 't.yaml' });
    expect(problems).toEqual([]);
    expect(plan?.sweeps?.sweep?.steps[0]?.needs).toEqual(['data']);
  });

  it('is named by no step outside, which has the result of the winner', () => {
    const winner = "the winner's result is ${steps.sweep.result.steps.probe.…}";
    for (const after of [
      'with: { seed: "${steps.sweep-probe.result.validationTop1}" }',
      'with: { seed: "${steps.sweep-probe@trial=1.result.validationTop1}" }',
      "when: \"steps['sweep-probe'].state == 'done'\"",
    ])
      expect(mistakes({}, usual, `  after: { uses: pretrain, needs: [data], ${after} }`)[0]).toContain(winner);
    expect(mistakes({}, usual, '  after: { uses: evaluate, needs: [sweep-probe] }')[0]).toContain(winner);
  });

  it('takes what is tried from steps before it, and not from its own trials', () => {
    const over = (step: string) => `{ learningRate: ["\${steps.${step}}", 0.1], temperature: [0.1] }`;
    expect(mistakes({ over: over('probe.result.validationTop1'), trials: '2' })).toEqual([
      'probe is a step of the trials, which begin with what stands here; refer to a step that sweep needs',
    ]);
    const plan = planOf(
      swept(
        { trials: '2', over: over('chosen.result.value') },
        usual,
        '  chosen: { uses: choose, needs: [data], with: { by: [0.5], goal: highest } }',
      ),
    );
    const [, first] = expandPlan(plan, {}).plan.steps.filter(({ uses }) => uses === 'pretrain');
    expect(first?.needs).toContain('chosen');
  });

  it('has the epochs of its kind where it says none, by the name that it has in the file', () => {
    const silent = usual.replace('epochs: 9, ', '');
    expect(planOf(swept({ halving: '{ from: 5 }' }, silent)).sweeps?.sweep?.rungs).toEqual([5, 20]);
    const tried = usual.replace('epochs: 9', 'epochs: "${sweep.seed}"');
    expect(mistakes({ halving: '{ from: 1 }' }, tried)[0]).toMatch(/^the epochs of pretrain must be a number/);
  });
});
